namespace PoolHub.Benchmarks.Harness;

/// <summary>Values of one thing measured again and again.</summary>
internal sealed class Samples
{
    private readonly List<double> _values = [];
    private bool _sorted;

    public int Count => _values.Count;

    public double Median => Percentile(50);

    public void Add(double value)
    {
        _values.Add(value);
        _sorted = false;
    }

    /// <param name="percent">0 to 100; the nearest rank.</param>
    public double Percentile(double percent)
    {
        if (!_sorted)
        {
            _values.Sort();
            _sorted = true;
        }
        int rank = (int)Math.Ceiling(percent / 100 * _values.Count);
        return _values[Math.Clamp(rank - 1, 0, _values.Count - 1)];
    }
}

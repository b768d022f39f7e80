using System.Globalization;
using System.Text.RegularExpressions;

namespace PoolHub.Tests.EndToEnd;

/// <summary>
/// The text format as Prometheus reads it (version 0.0.4): every line must be valid, and every sample's family declared
/// before it, once.
/// </summary>
internal sealed partial class PrometheusText
{
    private readonly Dictionary<string, double> _samples = [];
    private readonly Dictionary<string, string> _types = [];

    public PrometheusText(string text)
    {
        Assert.EndsWith("\n", text, StringComparison.Ordinal);
        foreach (string line in text.TrimEnd('\n').Split('\n'))
        {
            if (TypeLine().Match(line) is { Success: true } type)
            {
                Assert.True(_types.TryAdd(type.Groups["name"].Value, type.Groups["type"].Value), line);
            }
            else if (!HelpLine().IsMatch(line))
            {
                Add(line);
            }
        }
    }

    /// <summary>A sample by its name and labels as they stand there.</summary>
    public double this[string sample] => _samples[sample];

    /// <summary>Whether there is a sample of this name, whatever its labels.</summary>
    public bool Has(string name) => _samples.Keys.Any(k => k == name || k.StartsWith(name + "{", StringComparison.Ordinal));

    public string TypeOf(string name) => _types[name];

    /// <summary>A histogram's buckets in their order: upper bound and count.</summary>
    public (double Bound, double Count)[] Buckets(string name) =>
    [
        .. from sample in _samples
           let bucket = BucketName().Match(sample.Key)
           where bucket.Success && bucket.Groups["name"].Value == name
           select (Number(bucket.Groups["bound"].Value), sample.Value),
    ];

    private void Add(string line)
    {
        Match sample = SampleLine().Match(line);
        Assert.True(sample.Success, $"not Prometheus text: {line}");
        string name = sample.Groups["name"].Value;
        string family = _types.ContainsKey(name) ? name : HistogramSuffix().Replace(name, "");
        Assert.True(_types.ContainsKey(family), $"its type was not declared before: {line}");
        Assert.True(_samples.TryAdd(name + sample.Groups["labels"].Value, Number(sample.Groups["value"].Value)), $"twice: {line}");
    }

    private static double Number(string text) => text switch
    {
        "+Inf" => double.PositiveInfinity,
        "-Inf" => double.NegativeInfinity,
        _ => double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture),
    };

    [GeneratedRegex(@"^# HELP [a-zA-Z_:][a-zA-Z0-9_:]* \S.*$")]
    private static partial Regex HelpLine();

    [GeneratedRegex("^# TYPE (?<name>[a-zA-Z_:][a-zA-Z0-9_:]*) (?<type>counter|gauge|histogram|summary|untyped)$", RegexOptions.ExplicitCapture)]
    private static partial Regex TypeLine();

    [GeneratedRegex(
        """^(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?<labels>\{[a-zA-Z_]\w*="([^"\\]|\\.)*"(,[a-zA-Z_]\w*="([^"\\]|\\.)*")*\})? (?<value>[+-]Inf|NaN|-?[0-9][0-9.]*([eE][+-]?[0-9]+)?)$""",
        RegexOptions.ExplicitCapture)]
    private static partial Regex SampleLine();

    [GeneratedRegex("""^(?<name>.+)_bucket\{(.*,)?le="(?<bound>[^"]+)"\}$""", RegexOptions.ExplicitCapture)]
    private static partial Regex BucketName();

    [GeneratedRegex("_(bucket|sum|count)$")]
    private static partial Regex HistogramSuffix();
}

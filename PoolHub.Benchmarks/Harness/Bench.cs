using System.Diagnostics;

namespace PoolHub.Benchmarks.Harness;

/// <summary>One run: the scenarios one after the other, their figures, and whether each holds its budget.</summary>
internal sealed class Bench(BenchOptions options, Dictionary<string, Budget> budgets, TextWriter progress)
{
    private readonly List<Figure> _figures = [];
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private volatile bool _stopped;

    public bool Quick => options.Quick;

    /// <summary>How long one figure is sampled.</summary>
    public TimeSpan Sampling => TimeSpan.FromSeconds(Quick ? 1.5 : 10);

    /// <summary>Whether somebody wants this row.</summary>
    public bool Wants(string row) => options.Only.Length == 0 || options.Only.Any(name => row.Contains(name, StringComparison.OrdinalIgnoreCase));

    /// <summary>Begins nothing more; the run has failed.</summary>
    public void Stop() => _stopped = true;

    public void Say(string what) => progress.WriteLine($"{_clock.Elapsed.TotalSeconds,6:0.0} s  {what}");

    public void Report(Figure figure)
    {
        if (!Wants(figure.Row))
        {
            return;
        }
        _figures.Add(figure);
        Say($"{figure.Row}: {figure.Measured}"
            + (double.IsNaN(figure.Value) ? "" : $" ({Units.Number(figure.Value)} {figure.Unit})") + (figure.Fault is null ? "" : $" {figure.Fault}"));
    }

    /// <returns>Whether every row that was measured holds its budget.</returns>
    public async Task<bool> RunAsync(IEnumerable<Scenario> scenarios, TextWriter output)
    {
        foreach (Scenario scenario in scenarios.Where(s => (options.Peers || !s.NeedsPeers) && s.Rows.Any(Wants)))
        {
            if (_stopped)
            {
                break;
            }
            int before = _figures.Count;
            string missing = "was not measured";
            try
            {
                await scenario.RunAsync(this);
            }
            catch (Exception e)
            {
                missing = $"{e.GetType().Name}: {e.Message}";
            }
            string[] given = [.. _figures.Skip(before).Select(f => f.Row)];
            foreach (string row in scenario.Rows.Where(row => Wants(row) && !given.Contains(row)))
            {
                Report(Figure.Failed(row, missing));
            }
        }
        (Figure Figure, Budget Budget, bool Ok)[] rows = [.. _figures.Select(f => (f, budgets[f.Row], IsOk(f)))];
        Table.Write(output, rows);
        int missed = rows.Count(row => !row.Ok);
        int skipped = rows.Count(row => row.Figure.Skipped);
        await output.WriteLineAsync($"{rows.Length - missed - skipped} held, {missed} missed, {skipped} skipped, {_clock.Elapsed.TotalSeconds:0} s");
        return missed == 0 && rows.Length > 0 && !_stopped;
    }

    private bool IsOk(Figure figure) => figure.Skipped || (figure.Fault is null && budgets[figure.Row].Holds(figure.Value));
}

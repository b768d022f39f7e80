using PoolHub.Benchmarks.Fleets;
using PoolHub.Benchmarks.Harness;
using PoolHub.Daemon.Matching;
using PoolHub.Protocol.Http;

namespace PoolHub.Benchmarks.Matching;

/// <summary>A match in process, against the sum of one column as long as the fleet; and what it allocates.</summary>
internal sealed class MatchScenario(int miners) : Scenario(Selective(miners), Broad(miners), Allocated(miners))
{
    private const int AllocationMatches = 1_024;

    /// <summary>The matches that are timed, and what keeps the sum from being left out.</summary>
    private readonly MatchResult _result = new();
    private int _sum;

    public override Task RunAsync(Bench bench)
    {
        bench.Say($"a fleet of {miners:N0}");
        FleetMiner[] fleet = FleetGenerator.Make(miners);
        MatchIndex index = FleetIndex.Build(fleet);
        int[] column = ColumnSum.Column(miners);

        Time(bench, Selective(miners), index, Requests.Selective, column, FindSelectiveFault);
        Time(bench, Broad(miners), index, Requests.Broad, column, passed => passed is >= 0.45 and <= 0.55
            ? null : $"{passed:P0} of the fleet passed, not half");
        bench.Report(Allocation(index));
        return Task.CompletedTask;
    }

    private static string? FindSelectiveFault(double passed) =>
        passed is > 0 and <= 0.005 ? null : $"{passed:P2} of the fleet passed, not 1 in 700 or so";

    private void Time(Bench bench, string row, MatchIndex index, MatchRequest[] requests, int[] column, Func<double, string?> findFault)
    {
        if (!bench.Wants(row))
        {
            return;
        }
        MatchQuery[] queries = [.. requests.Select(FleetIndex.Query)];
        Samples passed = new();
        foreach (MatchQuery query in queries)
        {
            index.Match(query, _result);
            passed.Add(FleetIndex.Passed(query, _result));
        }
        string? fault = findFault(passed.Percentile(0)) ?? findFault(passed.Percentile(100));
        (double ours, double sum, double ratio) = Paired.Time(
            call => index.Match(queries[call % queries.Length], _result), _ => _sum += ColumnSum.Of(column), bench.Sampling);
        bench.Report(new Figure(row, Units.Time(ours), $"sum {Units.Time(sum)}", ratio, Fault: fault));
    }

    private Figure Allocation(MatchIndex index)
    {
        MatchQuery[] queries = [.. Requests.Selective.Concat(Requests.Broad).Select(FleetIndex.Query)];
        foreach (MatchQuery query in queries)
        {
            index.Match(query, _result);
        }
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < AllocationMatches; i++)
        {
            index.Match(queries[i % queries.Length], _result);
        }
        double bytes = (double)(GC.GetAllocatedBytesForCurrentThread() - before) / AllocationMatches;
        return new Figure(Allocated(miners), $"{AllocationMatches:N0} matches", "", bytes, "B");
    }

    private static string Selective(int miners) => $"match selective {miners:N0}";
    private static string Broad(int miners) => $"match broad {miners:N0}";
    private static string Allocated(int miners) => $"match allocates {miners:N0}";
}

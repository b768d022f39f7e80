using System.Diagnostics;
using PoolHub.Benchmarks.Fleets;
using PoolHub.Benchmarks.Harness;
using PoolHub.Daemon.Matching;

namespace PoolHub.Benchmarks.Matching;

/// <summary>A new index from a fleet that is in memory, as at a start: every column, and the latency ranks.</summary>
internal sealed class RebuildScenario() : Scenario(Row)
{
    private const string Row = "rebuild index 1,000,000";
    private const int Miners = 1_000_000;

    public override Task RunAsync(Bench bench)
    {
        FleetMiner[] fleet = FleetGenerator.Make(Miners);
        Samples seconds = new();
        for (int i = 0; i < (bench.Quick ? 5 : 9); i++)
        {
            // What the fleet or an index before it left behind is no part of building this one.
            GC.Collect();
            long begin = Stopwatch.GetTimestamp();
            MatchIndex index = FleetIndex.Build(fleet);
            seconds.Add(Stopwatch.GetElapsedTime(begin).TotalSeconds);
            GC.KeepAlive(index);
        }
        bench.Report(new Figure(Row, $"median of {seconds.Count}", "", seconds.Median, "s"));
        return Task.CompletedTask;
    }
}

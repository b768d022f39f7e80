using System.Diagnostics;
using PoolHub.Benchmarks.Fleets;
using PoolHub.Benchmarks.Harness;
using PoolHub.Daemon.Matching;
using PoolHub.Protocol.Http;

namespace PoolHub.Benchmarks.Matching;

/// <summary>A match while another thread applies heartbeats and registrations, against the same match in quiet.</summary>
internal sealed class WritesScenario(int miners) : Scenario(
    Median("selective", miners), Late("selective", miners), Median("broad", miners), Late("broad", miners))
{
    /// <summary>A writer that does less than this of its work has not been a burden.</summary>
    private const double MinShareOfRate = 0.99;

    private readonly MatchResult _result = new();

    public override Task RunAsync(Bench bench)
    {
        bench.Say($"a fleet of {miners:N0} that is written to");
        FleetMiner[] fleet = FleetGenerator.Make(miners);
        MatchIndex index = FleetIndex.Build(fleet, out int[] slots);
        using var writer = new FleetWriter(index, slots);
        Measure(bench, "selective", index, writer, Requests.Selective);
        Measure(bench, "broad", index, writer, Requests.Broad);
        return Task.CompletedTask;
    }

    private void Measure(Bench bench, string kind, MatchIndex index, FleetWriter writer, MatchRequest[] requests)
    {
        if (!bench.Wants(Median(kind, miners)) && !bench.Wants(Late(kind, miners)))
        {
            return;
        }
        MatchQuery[] queries = [.. requests.Select(FleetIndex.Query)];
        TimeSpan stretch = bench.Sampling / 3;
        Samples quiet = new();
        Samples busy = new();
        Run(index, queries, stretch, new Samples());
        for (int i = 0; i < 3; i++)
        {
            Run(index, queries, stretch, quiet);
            writer.Resume();
            Run(index, queries, stretch * 2, busy);
            writer.Pause();
        }
        string rates = $"{Units.Rate(writer.HeartbeatRate)} hb, {Units.Rate(writer.RegistrationRate)} reg";
        string? fault = writer.HeartbeatRate >= MinShareOfRate * FleetWriter.HeartbeatsPerSec
            && writer.RegistrationRate >= MinShareOfRate * FleetWriter.RegistrationsPerSec ? null : $"the writer reached only {rates}";
        double p99 = busy.Percentile(99);
        bench.Report(new Figure(
            Median(kind, miners), $"{Units.Time(busy.Median)} at {rates}", $"quiet {Units.Time(quiet.Median)}",
            busy.Median / quiet.Median, Fault: fault));
        bench.Report(new Figure(
            Late(kind, miners), Units.Time(p99), $"median {Units.Time(busy.Median)}, quiet p99 {Units.Time(quiet.Percentile(99))}", p99 / busy.Median, Fault: fault));
    }

    private void Run(MatchIndex index, MatchQuery[] queries, TimeSpan duration, Samples samples)
    {
        long begin = Stopwatch.GetTimestamp();
        long end = begin + (long)(duration.TotalSeconds * Stopwatch.Frequency);
        for (int i = 0; begin < end; i++)
        {
            index.Match(queries[i % queries.Length], _result);
            long now = Stopwatch.GetTimestamp();
            samples.Add(Stopwatch.GetElapsedTime(begin, now).TotalMicroseconds);
            begin = now;
        }
    }

    private static string Median(string kind, int miners) => $"written {kind} {miners:N0} median";
    private static string Late(string kind, int miners) => $"written {kind} {miners:N0} p99";
}

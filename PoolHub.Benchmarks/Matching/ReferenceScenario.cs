using System.Diagnostics;
using PoolHub.Benchmarks.Fleets;
using PoolHub.Benchmarks.Harness;
using PoolHub.Daemon.Matching;
using PoolHub.Protocol.Http;
using PoolHub.Tests.Matching;

namespace PoolHub.Benchmarks.Matching;

/// <summary>The index against the tests' plain list, which must give the very same answers.</summary>
internal sealed class ReferenceScenario() : Scenario(Selective, Broad)
{
    private const string Selective = "reference selective 100,000";
    private const string Broad = "reference broad 100,000";
    private const int Miners = 100_000;

    /// <summary>The profile "default".</summary>
    private static readonly double[] s_weights = [0.4, 0.2, 0.2, 0.15, 0.05];

    private readonly MatchResult _result = new();

    public override Task RunAsync(Bench bench)
    {
        FleetMiner[] fleet = FleetGenerator.Make(Miners);
        MatchIndex index = FleetIndex.Build(fleet);
        ReferenceFleet reference = Plain(fleet);
        Compare(bench, Selective, index, reference, Requests.Selective[..(bench.Quick ? 12 : Requests.Variations)]);
        Compare(bench, Broad, index, reference, Requests.Broad[..(bench.Quick ? 2 : 8)]);
        return Task.CompletedTask;
    }

    private static ReferenceFleet Plain(FleetMiner[] fleet)
    {
        var reference = new ReferenceFleet();
        reference.Miners.AddRange(fleet.Select(miner => new ReferenceMiner
        {
            Id = miner.Id,
            Profile = miner.Profile,
            Price = miner.Profile.Price,
            Degraded = miner.Degraded,
            Available = miner.Available,
            Trust = miner.Trust,
            Load = miner.Load,
            RttMs = miner.RttMs,
            ServiceMs = miner.ServiceMs,
        }));
        reference.RefreshLatencyRanks();
        return reference;
    }

    private void Compare(Bench bench, string row, MatchIndex index, ReferenceFleet reference, MatchRequest[] requests)
    {
        if (!bench.Wants(row))
        {
            return;
        }
        Samples ours = new();
        Samples theirs = new();
        Samples ratios = new();
        string? fault = null;
        foreach (MatchRequest request in requests)
        {
            MatchQuery query = FleetIndex.Query(request);
            double before = TimeUs(index, query);
            long begin = Stopwatch.GetTimestamp();
            ReferenceAnswer answer = reference.Match(request, s_weights);
            double slow = Stopwatch.GetElapsedTime(begin).TotalMicroseconds;
            double fast = (before + TimeUs(index, query)) / 2;
            fault ??= FindDifference(request.JobId!, answer);
            ours.Add(fast);
            theirs.Add(slow);
            ratios.Add(slow / fast);
        }
        bench.Report(new Figure(row, Units.Time(ours.Median), $"list {Units.Time(theirs.Median)}", ratios.Median, Fault: fault));
    }

    private double TimeUs(MatchIndex index, MatchQuery query)
    {
        const int Calls = 16;
        index.Match(query, _result);
        long begin = Stopwatch.GetTimestamp();
        for (int i = 0; i < Calls; i++)
        {
            index.Match(query, _result);
        }
        return Stopwatch.GetElapsedTime(begin).TotalMicroseconds / Calls;
    }

    /// <summary>What of the last match is not as it has to be.</summary>
    private string? FindDifference(string jobId, ReferenceAnswer expected)
    {
        ReadOnlySpan<MatchCandidate> candidates = _result.Candidates;
        if (candidates.Length != expected.Places.Count)
        {
            return $"{jobId}: {candidates.Length} candidates in place of {expected.Places.Count}";
        }
        for (int i = 0; i < candidates.Length; i++)
        {
            ReferencePlace place = expected.Places[i];
            if (candidates[i].Offer.MinerId != place.Miner.Id || candidates[i].Score != place.Score)
            {
                return $"{jobId}: {candidates[i].Offer.MinerId} {candidates[i].Score:R} in place of {place.Miner.Id} {place.Score:R}";
            }
        }
        foreach (ClauseCount count in expected.Clauses)
        {
            int left = _result.Left(Clauses.All.Single(clause => clause.Name() == count.Clause));
            if (left != count.Left)
            {
                return $"{jobId}: {left} left after {count.Clause} in place of {count.Left}";
            }
        }
        return null;
    }
}

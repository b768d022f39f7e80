using PoolHub.Daemon.Matching;
using PoolHub.Protocol;
using PoolHub.Protocol.Http;

namespace PoolHub.Tests.Matching;

public sealed class MatchIndexConcurrencyTests
{
    private const int Miners = 600;
    private const int MatchesPerReader = 4_000;

    [Fact]
    public async Task MatchIndex_under_concurrent_writers_gives_no_torn_answer_and_settles()
    {
        var fleet = new TwinFleet(seed: 42);
        for (int i = 0; i < Miners; i++)
        {
            fleet.Add();
        }
        using var stop = new CancellationTokenSource();
        Task[] writers =
        [
            Task.Run(() => Beat(fleet.Index, seed: 1, stop.Token), CancellationToken.None),
            Task.Run(() => Churn(fleet, seed: 2, stop.Token), CancellationToken.None),
            Task.Run(() => Refresh(fleet.Index, stop.Token), CancellationToken.None),
        ];
        Task[] readers = [.. Enumerable.Range(3, 2).Select(seed => Task.Run(() => Read(fleet.Index, seed), CancellationToken.None))];
        try
        {
            await Task.WhenAll(readers);
        }
        finally
        {
            await stop.CancelAsync();
            await Task.WhenAll(writers);
        }

        foreach (ReferenceMiner miner in fleet.Reference.Miners)
        {
            fleet.Beat(miner);
        }
        fleet.RefreshLatencyRanks();
        Assert.Equal(fleet.Reference.Miners.Count, fleet.Index.Count);
        for (int i = 0; i < 300; i++)
        {
            fleet.AssertSameAnswer(fleet.NextRequest());
        }
    }

    /// <summary>Also writes to slots whose miner is just being replaced or was removed, as late heartbeats do.</summary>
    private static void Beat(MatchIndex index, int seed, CancellationToken stop)
    {
        var random = new Random(seed);
        while (!stop.IsCancellationRequested)
        {
            int slot = random.Next(Miners);
            index.SetLoad(slot, random.Next(5));
            index.SetRtt(slot, random.Next(-1, 300));
            index.SetServiceMs(slot, random.Next(-1, 2_000));
        }
    }

    private static void Churn(TwinFleet fleet, int seed, CancellationToken stop)
    {
        var random = new Random(seed);
        List<ReferenceMiner> miners = fleet.Reference.Miners;
        while (!stop.IsCancellationRequested)
        {
            ReferenceMiner miner = miners[random.Next(miners.Count)];
            switch (random.Next(8))
            {
                case 0:
                    fleet.Remove(miner);
                    fleet.Add();
                    break;
                case 1:
                    fleet.Index.SetAvailable(fleet.Slot(miner), miner.Available = !miner.Available);
                    fleet.Index.SetDegraded(fleet.Slot(miner), miner.Degraded = !miner.Degraded);
                    break;
                default:
                    fleet.Replace(miner, fleet.NextProfile());
                    break;
            }
        }
    }

    private static void Refresh(MatchIndex index, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            index.RefreshLatencyRanks();
        }
    }

    private static void Read(MatchIndex index, int seed)
    {
        var requests = new TwinFleet(seed);
        var result = new MatchResult();
        for (int i = 0; i < MatchesPerReader; i++)
        {
            MatchRequest request = requests.NextRequest();
            Assert.True(MatchQuery.TryCreate(request, WeightProfiles.BuiltIn, out MatchQuery? query, out _));
            index.Match(query, result);
            AssertWhole(query, request, result);
        }
    }

    private static void AssertWhole(MatchQuery query, MatchRequest request, MatchResult result)
    {
        int before = int.MaxValue;
        foreach (Clause clause in Enum.GetValues<Clause>().Where(query.Asks))
        {
            Assert.InRange(result.Left(clause), 0, before);
            before = result.Left(clause);
        }
        ReadOnlySpan<MatchCandidate> candidates = result.Candidates;
        int most = Math.Min(before, query.TopK);
        // Miners that share a region or an owner take one place together.
        Assert.InRange(candidates.Length, query.SpreadBy == SpreadBy.None ? most : Math.Min(most, 1), most);
        for (int i = 0; i < candidates.Length; i++)
        {
            AssertPasses(request, in candidates[i]);
            Assert.True(i == 0 || candidates[i - 1].IsBefore(in candidates[i]));
        }
    }

    private static void AssertPasses(MatchRequest request, in MatchCandidate candidate)
    {
        MinerProfile profile = candidate.Offer.Profile;
        MatchRequirements needs = request.Requirements ?? new();
        MatchHints hints = request.Hints ?? new();
        string[] asked = [.. (needs.CapabilitiesAny ?? []).Distinct()];
        int had = asked.Count(profile.Capabilities.Contains);

        // Nothing but the profile sets prices in this test, so that another one here would be another profile's.
        Assert.Equal(profile.Price, candidate.Price);
        Assert.Equal(profile.MaxParallel, candidate.Free + candidate.Load);
        Assert.InRange(candidate.Free, 1, profile.MaxParallel);
        Assert.InRange(candidate.Score, 0, 1.0000001);
        Assert.Equal(had, candidate.CapsHad);
        Assert.True(asked.Length == 0 || had > 0);
        Assert.True(string.IsNullOrEmpty(hints.Region) || ReferenceFleet.Within(profile.Region, hints.Region));
        Assert.True(needs.Accel is null or [] || profile.Accel.Intersect(needs.Accel).Any());
        Assert.True(needs.Task is null || ReferenceFleet.RunsTask(profile, needs.Task));
        Assert.True(needs.TagsAny is null or [] || profile.Tags.Intersect(needs.TagsAny).Any());
        Assert.True(needs.MinVramGb is null || (float)profile.GpuVramGb >= (float)needs.MinVramGb);
        Assert.True(needs.MinRamGb is null || (float)profile.RamGb >= (float)needs.MinRamGb);
        Assert.True(hints.MaxPrice is null || candidate.Price <= hints.MaxPrice);
        Assert.True(hints.DeadlineMs is null || candidate.EtaMs <= hints.DeadlineMs);
    }
}

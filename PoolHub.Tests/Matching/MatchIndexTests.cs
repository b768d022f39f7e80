using Microsoft.Extensions.Time.Testing;
using PoolHub.Daemon.Matching;
using PoolHub.Protocol;
using PoolHub.Protocol.Http;

namespace PoolHub.Tests.Matching;

public sealed class MatchIndexTests
{
    private static readonly MinerProfile Plain = new() { Addr = "10.0.0.1:9000", Proto = "grpc" };
    private static readonly MatchRequest Any = new() { JobId = "job", TopK = 100 };

    private readonly MatchIndex _index = new(new FakeTimeProvider());

    [Theory]
    [InlineData("eu", "eu,eu-west,eu-west-1")]
    [InlineData("eu-west", "eu-west,eu-west-1")]
    [InlineData("eu-west-1", "eu-west-1")]
    [InlineData("eu-", "")]
    [InlineData("e", "")]
    [InlineData("europe", "europe")]
    public void MatchIndex_region_matches_itself_and_what_lies_within(string asked, string found)
    {
        foreach (string region in (string[])["eu", "eu-west", "eu-west-1", "europe", ""])
        {
            Add(region.Length == 0 ? "none" : region, Plain with { Region = region });
        }
        Assert.Equal(found.Split(',', StringSplitOptions.RemoveEmptyEntries), Ids(Any with { Hints = new() { Region = asked } }).Order());
    }

    [Fact]
    public void MatchIndex_task_takes_who_declares_it_or_declares_none()
    {
        Add("chat", Plain with { Capabilities = ["task:chat"] });
        Add("both", Plain with { Capabilities = ["task:chat", "task:embed"] });
        Add("none", Plain with { Capabilities = ["llama"] });
        Assert.Equal(["both", "none"], Ids(Any with { Requirements = new() { Task = "embed" } }).Order());
        Assert.Equal(["none"], Ids(Any with { Requirements = new() { Task = "unheard" } }));
    }

    [Fact]
    public void MatchIndex_size_equal_to_the_limit_passes()
    {
        Add("a", Plain with { GpuVramGb = 7.1, RamGb = 0.1 });
        Assert.Equal(["a"], Ids(Any with { Requirements = new() { MinVramGb = 7.1, MinRamGb = 0.1 } }));
        Assert.Empty(Ids(Any with { Requirements = new() { MinVramGb = 7.2 } }));
    }

    [Fact]
    public void MatchIndex_degraded_fill_only_the_places_that_healthy_ones_leave()
    {
        Add("degraded", Plain, degraded: true, trust: 1);
        Add("healthy", Plain, trust: 0);
        Assert.Equal(["healthy", "degraded"], Ids(Any));
        Assert.Equal(["healthy"], Ids(Any with { TopK = 1 }));
    }

    [Fact]
    public void MatchIndex_equal_scores_go_to_more_free_slots()
    {
        int busy = Add("a-2-free", Plain with { MaxParallel = 3 });
        _index.SetLoad(busy, 1);
        int idle = Add("b-4-free", Plain with { MaxParallel = 7 });
        _index.SetLoad(idle, 3);
        // Load weighs nothing here: without the free slots the two would be equal.
        Assert.True(WeightProfiles.TryCreate("trust:1", [], out WeightProfiles? profiles, out _));
        Assert.True(MatchQuery.TryCreate(Any, profiles, out MatchQuery? query, out _));
        var result = new MatchResult();
        _index.Match(query, result);
        Assert.Equal("b-4-free", result.Candidates[0].Offer.MinerId);
        Assert.Equal(result.Candidates[0].Score, result.Candidates[1].Score);
    }

    [Fact]
    public void MatchIndex_asked_again_answers_alike_until_ranks_are_refreshed()
    {
        int fast = Add("fast", Plain with { Region = "eu" });
        int slow = Add("slow", Plain with { Region = "eu" });
        _index.SetRtt(fast, 10);
        _index.SetRtt(slow, 50);
        _index.RefreshLatencyRanks();
        Assert.Equal(["fast", "slow"], Ids(Any));
        int late = Add("late", Plain with { Region = "eu" });
        _index.SetRtt(late, 5);
        Assert.Equal(0.75, Only("fast").LatencyNorm);
        Assert.Equal(0.5, Only("late").LatencyNorm);
        _index.RefreshLatencyRanks();
        Assert.Equal(0.5, Only("fast").LatencyNorm);
        Assert.Equal(5.0 / 6, Only("late").LatencyNorm, tolerance: 1e-12);
    }

    [Fact]
    public void MatchIndex_lone_and_unknown_latencies_count_as_the_median()
    {
        int lone = Add("lone", Plain with { Region = "eu" });
        Add("unknown", Plain with { Region = "us" });
        _index.SetRtt(lone, 900);
        Assert.Equal(0.5, Only("lone").LatencyNorm);
        _index.RefreshLatencyRanks();
        Assert.Equal(0.5, Only("lone").LatencyNorm);
        Assert.Equal(0.5, Only("unknown").LatencyNorm);
    }

    [Fact]
    public void MatchIndex_different_jobs_spread_over_equal_miners()
    {
        for (int i = 0; i < 20; i++)
        {
            Add($"miner-{i}", Plain);
        }
        var first = new Dictionary<string, int>();
        for (int job = 0; job < 2_000; job++)
        {
            MatchRequest request = Any with { JobId = $"job-{job}" };
            string[] ids = Ids(request);
            Assert.Equal(ids, Ids(request));
            first[ids[0]] = first.GetValueOrDefault(ids[0]) + 1;
        }
        Assert.Equal(20, first.Count);
        Assert.All(first.Values, times => Assert.InRange(times, 50, 150));
    }

    [Fact]
    public void MatchIndex_top_k_is_exact_at_1_and_100()
    {
        for (int i = 0; i < 5_000; i++)
        {
            Add($"miner-{i}", Plain, trust: (i * 7919 % 5_000) / 5_000.0);
        }
        string[] best = [.. Enumerable.Range(0, 5_000).OrderByDescending(i => i * 7919 % 5_000).Take(100).Select(i => $"miner-{i}")];
        Assert.Equal(best[..1], Ids(Any with { TopK = 1 }));
        Assert.Equal(best, Ids(Any with { TopK = 100 }));
    }

    [Fact]
    public void MatchIndex_candidate_carries_the_live_price()
    {
        int slot = Add("a", Plain with { Price = new TokenPrice(5) });
        _index.SetPrice(slot, new TokenPrice(7));
        Assert.Equal(7, Only("a").Price.E8);
        _index.Replace(slot, Plain with { Price = new TokenPrice(9) });
        Assert.Equal(9, Only("a").Price.E8);
    }

    [Fact]
    public void MatchIndex_profiles_share_their_texts()
    {
        Add("a", Plain with { Region = new string("eu-west"), Tags = [new string("spot")], GpuName = new string("RTX 4090"), Owner = new string("acme") });
        Add("b", Plain with { Region = new string("eu-west"), Tags = [new string("spot")], GpuName = new string("RTX 4090"), Owner = new string("acme") });
        (MinerProfile a, MinerProfile b) = (Only("a").Offer.Profile, Only("b").Offer.Profile);
        Assert.Same(a.Region, b.Region);
        Assert.Same(a.Tags[0], b.Tags[0]);
        Assert.Same(a.GpuName, b.GpuName);
        Assert.Same(a.Owner, b.Owner);
    }

    [Fact]
    public void MatchIndex_of_a_removed_slot_ignores_late_calls()
    {
        int slot = Add("a", Plain);
        _index.Remove(slot);
        _index.Remove(slot);
        _index.Replace(slot, Plain);
        _index.SetPrice(slot, TokenPrice.Max);
        _index.SetTrust(slot, 1);
        _index.SetAvailable(slot, true);
        _index.SetDegraded(slot, true);
        _index.SetLoad(slot, 3);
        Assert.Equal(0, _index.Count);
        Assert.Empty(Ids(Any));
        Add("b", Plain);
        Assert.Equal(["b"], Ids(Any));
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(-0.01)]
    [InlineData(1.01)]
    public void MatchIndex_refuses_a_trust_out_of_range(double trust) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => Add("a", Plain, trust: trust));

    [Fact]
    public void MatchIndex_reusing_the_result_allocates_nothing()
    {
        var fleet = new TwinFleet(seed: 11);
        for (int i = 0; i < 6_000; i++)
        {
            fleet.Add();
        }
        MatchQuery[] queries = [.. Enumerable.Range(0, 50).Select(_ => Query(fleet.NextRequest())), Query(Any)];
        var result = new MatchResult();
        long Run()
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            foreach (MatchQuery query in queries)
            {
                fleet.Index.Match(query, result);
                fleet.Index.SetLoad(1, 1);
                fleet.Index.SetRtt(1, 10);
                fleet.Index.SetServiceMs(1, 100);
            }
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }
        Run();
        // Queries that come a second time are remembered.
        Run();
        Assert.Equal(0, Run());
    }

    private int Add(string id, MinerProfile profile, bool degraded = false, double trust = 0.5) =>
        _index.Add(id, profile, degraded, available: true, trust);

    private string[] Ids(MatchRequest request)
    {
        var result = new MatchResult();
        _index.Match(Query(request), result);
        return [.. result.Candidates.ToArray().Select(candidate => candidate.Offer.MinerId)];
    }

    private MatchCandidate Only(string id)
    {
        var result = new MatchResult();
        _index.Match(Query(Any), result);
        return result.Candidates.ToArray().Single(candidate => candidate.Offer.MinerId == id);
    }

    private static MatchQuery Query(MatchRequest request)
    {
        Assert.True(MatchQuery.TryCreate(request, WeightProfiles.BuiltIn, out MatchQuery? query, out var fault), $"{fault}");
        return query;
    }
}

using Microsoft.Extensions.Time.Testing;
using PoolHub.Daemon.Matching;
using PoolHub.Protocol;
using PoolHub.Protocol.Http;

namespace PoolHub.Tests.Matching;

public sealed class DecisionLogTests
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 1, 12, 0, 0, TimeSpan.Zero));
    private readonly MatchIndex _index;
    private readonly MatchResult _result = new();

    public DecisionLogTests()
    {
        _index = new MatchIndex(_time);
        for (int i = 0; i < 200; i++)
        {
            _index.Add($"miner-{i}", new MinerProfile { Addr = "a:1", Proto = "grpc" }, degraded: false, available: true, trust: 0.5);
        }
    }

    [Fact]
    public void Ids_are_ordered_by_time_and_number_and_differ_between_two_starts()
    {
        var log = new DecisionLog(_time);
        List<string> ids = [];
        for (int ms = 0; ms < 20; ms++)
        {
            ids.AddRange(Enumerable.Range(0, 100).Select(_ => log.NextId(7).ToString("N")));
            _time.Advance(TimeSpan.FromMilliseconds(1));
        }
        Assert.Equal(ids.Order(StringComparer.Ordinal), ids);
        Assert.Equal(ids.Count, ids.Distinct().Count());
        Assert.All(ids, id => Assert.Matches("^[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}$", id));
        Assert.Empty(ids.Intersect(Enumerable.Range(0, 5_000).Select(_ => new DecisionLog(_time).NextId(7).ToString("N"))));
    }

    [Fact]
    public void Last_decisions_are_found_and_older_ones_forgotten()
    {
        var log = new DecisionLog(_time, capacity: 10);
        List<Guid> ids = [];
        for (int i = 0; i < 25; i++)
        {
            ids.Add(Keep(log, $"job-{i}"));
            _time.Advance(TimeSpan.FromSeconds(1));
        }
        Assert.Equal(10, log.Count);
        for (int i = 0; i < ids.Count; i++)
        {
            Decision? found = log.Find(ids[i].ToString("N"));
            Assert.Equal(i < 15 ? null : $"job-{i}", found?.Query.JobId);
            Assert.Equal(i < 15 ? null : new DateTimeOffset(2026, 1, 1, 12, 0, i, TimeSpan.Zero), found?.MatchedAt);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("explain")]
    [InlineData("ffffffffffffffffffffffffffffffff")]
    [InlineData("00000000000000000000000000000000")]
    public void Id_that_was_never_given_is_not_found(string id)
    {
        var log = new DecisionLog(_time);
        Keep(log, "j");
        Assert.Null(log.Find(id));
    }

    [Fact]
    public void Large_requests_make_it_forget_earlier()
    {
        var log = new DecisionLog(_time, capacity: 1_000, maxBytes: 1_000_000);
        string[] tags = [.. Enumerable.Range(0, 64).Select(i => new string('x', 120) + $"{i}")];
        Guid last = default;
        for (int i = 0; i < 500; i++)
        {
            last = Keep(log, "j", tags);
        }
        Assert.InRange(log.Count, 10, 100);
        Assert.NotNull(log.Find(last.ToString("N")));
        for (int i = 0; i < 1_000; i++)
        {
            Keep(log, "j");
        }
        Assert.InRange(log.Count, 500, 1_000);
    }

    [Fact]
    public void Full_log_takes_a_bounded_amount_of_memory()
    {
        var log = new DecisionLog(_time);
        // All that is made, kept or not: what is alive in the process is also that of tests beside this one.
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < DecisionLog.Capacity; i++)
        {
            Keep(log, $"job-{i}", ["low-latency"]);
        }
        long made = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.Equal(DecisionLog.Capacity, log.Count);
        Assert.InRange(made / DecisionLog.Capacity, 1, 2_000);
    }

    /// <summary>What a match kept of a miner is its own, however large the profile that it had then.</summary>
    [Fact]
    public void Profiles_that_change_all_the_time_are_not_kept_alive()
    {
        var log = new DecisionLog(_time);
        int slot = _index.Add("large", Large(0), degraded: false, available: true, trust: 1);
        // So that the miner is in every answer.
        MatchQuery query = Query("j", tags: null);
        var profiles = new List<WeakReference>();
        for (int i = 0; i < 500; i++)
        {
            _index.Replace(slot, Large(i));
            profiles.Add(new WeakReference(_index.ProfileAt(slot)));
            _index.Match(query, _result);
            Guid id = log.NextId(7);
            log.Keep(id, query, _result);
            Assert.Contains("large", log.Find(id.ToString("N"))!.Candidates().Select(c => c.Offer.MinerId));
        }
        GC.Collect();
        Assert.InRange(profiles.Count(p => p.IsAlive), 0, 20);

        static MinerProfile Large(int i) => new()
        {
            Addr = "a:1",
            Proto = "grpc",
            Capabilities = [.. Enumerable.Range(0, 50).Select(n => $"{new string('x', 100)}-{i}-{n}")],
        };
    }

    [Fact]
    public void Decisions_with_many_candidates_stay_within_their_bytes()
    {
        var log = new DecisionLog(_time, maxBytes: 4_000_000);
        Assert.True(MatchQuery.TryCreate(new MatchRequest { JobId = "j", TopK = 100 }, WeightProfiles.BuiltIn, out MatchQuery? query, out _));
        _index.Match(query, _result);
        for (int i = 0; i < 1_000; i++)
        {
            log.Keep(log.NextId(7), query, _result);
        }
        // 100 bytes of figures and 100 of texts, or more, for each candidate.
        Assert.InRange(log.Count, 50, 4_000_000 / 20_000);
    }

    [Fact]
    public async Task Decisions_kept_from_many_threads_are_each_found()
    {
        var log = new DecisionLog(_time);
        Guid[][] ids = await Task.WhenAll(Enumerable.Range(0, 4).Select(thread => Task.Run(() =>
        {
            var result = new MatchResult();
            return Enumerable.Range(0, 2_000).Select(i =>
            {
                MatchQuery query = Query($"{thread}-{i}", tags: null);
                _index.Match(query, result);
                Guid id = log.NextId(7);
                log.Keep(id, query, result);
                return id;
            }).ToArray();
        })));
        for (int thread = 0; thread < ids.Length; thread++)
        {
            for (int i = 0; i < ids[thread].Length; i++)
            {
                Assert.Equal($"{thread}-{i}", log.Find(ids[thread][i].ToString("N"))?.Query.JobId);
            }
        }
    }

    private static MatchQuery Query(string jobId, string[]? tags)
    {
        var request = new MatchRequest { JobId = jobId, Requirements = new() { TagsAny = tags } };
        Assert.True(MatchQuery.TryCreate(request, WeightProfiles.BuiltIn, out MatchQuery? query, out _));
        return query;
    }

    private Guid Keep(DecisionLog log, string jobId, string[]? tags = null)
    {
        MatchQuery query = Query(jobId, tags);
        _index.Match(query, _result);
        Guid id = log.NextId(7);
        log.Keep(id, query, _result);
        return id;
    }
}

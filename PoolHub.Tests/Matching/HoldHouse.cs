using System.Collections.Concurrent;
using PoolHub.Daemon.Matching;
using PoolHub.Protocol;
using PoolHub.Protocol.Http;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Matching;

/// <summary>A book of holds with its index and clock, and few words to speak with it.</summary>
internal sealed class HoldHouse
{
    private readonly ConcurrentDictionary<string, int> _slots = [];
    private readonly DecisionLog _ids;
    private int _jobs;

    public HoldHouse()
    {
        _ids = new DecisionLog(Time, capacity: 1);
        Index = new MatchIndex(Time);
        Book = new HoldBook(Index, Time);
    }

    public HandClock Time { get; } = new();
    public MatchIndex Index { get; }
    public HoldBook Book { get; }
    public long AllEnded => Enum.GetValues<HoldEnd>().Sum(Book.Ended);

    public static MinerProfile Profile(int maxParallel) => new() { Addr = "h:1", Proto = "http", MaxParallel = maxParallel };

    public static MatchQuery Query(string jobId, int topK, int holdMs) => MatchQuery.TryCreate(
        new MatchRequest { JobId = jobId, TopK = topK, HoldMs = holdMs }, WeightProfiles.BuiltIn, out MatchQuery? query, out var fault)
        ? query
        : throw new ArgumentException($"{fault}");

    public void Add(string id, int maxParallel = 1) =>
        _slots[id] = Index.Add(id, Profile(maxParallel), degraded: false, available: true, trust: 0.5);

    public int Slot(string id) => _slots[id];

    /// <summary>As the registry does when a miner leaves.</summary>
    public void Leave(string id)
    {
        Index.Remove(_slots[id]);
        Book.EndStale(id, _slots[id]);
        _slots.TryRemove(id, out _);
    }

    /// <summary>As the registry does when a miner registers within its session.</summary>
    public void Reshape(string id, int slotsBefore, int slotsNow, int load)
    {
        Index.Replace(_slots[id], Profile(slotsNow));
        Book.Shrink(id, _slots[id], slotsBefore, slotsNow, load);
    }

    /// <summary>As the registry does when a miner within its session goes to another region.</summary>
    public void Move(string id, int maxParallel, string region)
    {
        int held = Held(id);
        Index.Remove(_slots[id]);
        _slots[id] = Index.Add(id, Profile(maxParallel) with { Region = region }, degraded: false, available: true, trust: 0.5, held: held);
        Book.Move(id, _slots[id]);
    }

    /// <summary>As the registry does when a miner that is offered begins a new session.</summary>
    public void RegisterAnew(string id, int maxParallel)
    {
        Index.Replace(_slots[id], Profile(maxParallel));
        Book.EndStale(id, _slots[id]);
    }

    public IEnumerable<string> Present => _slots.Keys;

    public int Held(string id) => Index.Held.CountAt(_slots[id]);

    public void Pass(int ms) => Time.Advance(TimeSpan.FromMilliseconds(ms));

    /// <summary>Feedback of the coordinator with this tag.</summary>
    public int EndByFeedback(string? matchId, string jobId, string minerId, bool taken, uint tag = 1) =>
        Book.EndByFeedback(matchId, jobId, minerId, taken, tag);

    /// <summary>A match that holds; who was found, best first.</summary>
    /// <param name="jobId">Its job; null: one of its own.</param>
    /// <param name="topK">How many it takes at most.</param>
    /// <param name="holdMs">For how long.</param>
    /// <param name="tag">Of whose it is.</param>
    public (string MatchId, string[] Miners) Hold(string? jobId = null, int topK = 1, int holdMs = 1_000, uint tag = 1) =>
        Hold(new MatchResult(), jobId, topK, holdMs, tag);

    /// <summary>The same; gives all that was found.</summary>
    public (string MatchId, string[] Miners) Hold(MatchResult result, string? jobId = null, int topK = 1, int holdMs = 1_000, uint tag = 1)
    {
        string matchId = $"{_ids.NextId(tag):N}";
        Book.Match(matchId, tag, Query(jobId ?? $"job-{Interlocked.Increment(ref _jobs)}", topK, holdMs), result);
        return (matchId, [.. result.Candidates.ToArray().Select(c => c.Offer.MinerId)]);
    }

    /// <summary>A match that holds nothing.</summary>
    public string[] Look()
    {
        Book.EndExpired();
        var result = new MatchResult();
        Index.Match(Query("j", Limits.MaxTopK, 0), result);
        return [.. result.Candidates.ToArray().Select(c => c.Offer.MinerId)];
    }
}

using Microsoft.Extensions.Time.Testing;
using PoolHub.Daemon.Matching;
using PoolHub.Daemon.Registry;
using PoolHub.Daemon.Storage;
using PoolHub.Daemon.Trust;
using PoolHub.Protocol;
using PoolHub.Protocol.Http;

namespace PoolHub.Tests.Registry;

/// <summary>A registry with all that hangs on it, over a clock that the test moves and a store in memory.</summary>
internal sealed class RegistryHouse
{
    public static readonly MinerProfile Profile = new() { Addr = "h:1", Proto = "http", MaxParallel = 4, Region = "eu-west-1" };

    private static readonly MatchQuery s_everybody =
        MatchQuery.TryCreate(new MatchRequest { JobId = "j", TopK = Limits.MaxTopK }, WeightProfiles.BuiltIn, out MatchQuery? query, out _)
            ? query
            : throw new InvalidOperationException();

    private readonly MatchResult _result = new();

    public RegistryHouse(RegistryOptions? options = null, TimeProvider? time = null)
    {
        time ??= Time;
        Index = new MatchIndex(time);
        Trust = new TrustBook(new TrustModel(new TrustOptions()), Store, time, () => Index.Count);
        Holds = new HoldBook(Index, time);
        Registry = new MinerRegistry(options ?? new RegistryOptions(), Index, Holds, Trust, Store, time);
    }

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2025, 6, 2, 12, 0, 0, TimeSpan.Zero));
    public MemoryStore Store { get; } = new();
    public MatchIndex Index { get; }
    public HoldBook Holds { get; }
    public TrustBook Trust { get; }
    public MinerRegistry Registry { get; }
    public DateTimeOffset Now => Time.GetUtcNow();

    /// <summary>Begins a session and registers.</summary>
    public async Task<(Miner Miner, long Epoch)> JoinAsync(string minerId = "m")
    {
        (Miner miner, long epoch) = Registry.BeginSession(minerId);
        Assert.True(await Registry.RegisterAsync(miner, epoch, Profile, claim: null));
        return (miner, epoch);
    }

    public async Task<Miner[]> JoinManyAsync(int count)
    {
        var miners = new Miner[count];
        for (int i = 0; i < count; i++)
        {
            (miners[i], _) = await JoinAsync($"m{i}");
        }
        return miners;
    }

    public void Beat(params IEnumerable<Miner> miners)
    {
        foreach (Miner miner in miners)
        {
            Assert.True(Registry.Report(miner, miner.Epoch, new MinerReport(0)));
        }
    }

    /// <summary>Lets seconds pass, each with its sweep, while some send their heartbeats; returns who went offline.</summary>
    public List<Miner> Pass(int seconds, params IEnumerable<Miner> beating)
    {
        List<Miner> gone = [];
        for (int i = 0; i < seconds; i++)
        {
            Time.Advance(TimeSpan.FromSeconds(1));
            Beat(beating);
            gone.AddRange(Registry.Sweep());
        }
        return gone;
    }

    /// <summary>Who a match would find, and whether as degraded; at most a hundred.</summary>
    public Dictionary<string, bool> Offered() => Candidates().ToDictionary(c => c.Offer.MinerId, c => c.Degraded);

    public MatchCandidate[] Candidates()
    {
        Index.Match(s_everybody, _result);
        return _result.Candidates.ToArray();
    }

    public async Task FailAsync(string minerId, int times)
    {
        for (int i = 0; i < times; i++)
        {
            await Trust.RecordAsync(new StoredFeedback($"{minerId}-{i}", minerId, Outcomes.Failed, null, null, null, Now));
        }
    }
}

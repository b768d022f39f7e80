using Microsoft.Extensions.Logging.Abstractions;
using PoolHub.Daemon.Access;
using PoolHub.Daemon.Gateway;
using PoolHub.Daemon.Matching;
using PoolHub.Daemon.Registry;
using PoolHub.Daemon.Sessions;
using PoolHub.Daemon.Storage;
using PoolHub.Daemon.Trust;
using PoolHub.Protocol.Wire;
using Prometheus;

namespace PoolHub.Tests.Support;

/// <summary>A hub without its sockets: miners speak through pipes, and what lies behind is in reach.</summary>
internal sealed class HubParts : IAsyncDisposable
{
    private readonly string _dir = Directory.CreateTempSubdirectory("poolhub-parts-").FullName;
    private readonly IHubStore _store;
    private long _sweptAt;

    /// <param name="options">Of the registry.</param>
    /// <param name="store">In place of a real one in a directory of its own.</param>
    /// <param name="openEnrollment">Whether unknown miners are let in with a key of theirs.</param>
    public HubParts(RegistryOptions? options = null, IHubStore? store = null, bool openEnrollment = true)
    {
        _store = store ?? SqliteHubStore.Open(_dir, Time, NullLogger<SqliteHubStore>.Instance);
        var clock = new RunningClock(Time);
        Index = new MatchIndex(Time);
        var trust = new TrustBook(new TrustModel(new TrustOptions()), _store, Time, () => Index.Count);
        Keys = new KeyRing(_store, Time);
        Registry = new MinerRegistry(options ?? new RegistryOptions(), Index, new HoldBook(Index, Time), trust, _store, Time, clock);
        IMetricFactory metrics = Metrics.WithCustomRegistry(Metrics.NewCustomRegistry());
        var guard = new LoginGuard(new LoginOptions(), Time, NullLogger<LoginGuard>.Instance);
        var tokens = new SessionTokens(new byte[32], Time);
        var doorkeeper = new Doorkeeper(
            Registry, Keys, tokens, new Tls(TlsOptions.None), guard, new AccessOptions(openEnrollment, [], []), NullLogger<Doorkeeper>.Instance);
        Table = new SessionTable(Registry, Keys, tokens, doorkeeper, NullLogger<SessionTable>.Instance);
        var commands = new CommandDesk(Registry);
        SessionMetrics = new SessionMetrics(metrics);
        Conversations = new Conversations(Table, Registry, commands, guard, SessionMetrics, new InflowOptions(), clock, Logs.Of<Conversations>());
        Sweep = new SweepLoop(
            Registry, Table, Conversations, trust, _store, Keys, new SweepMetrics(metrics, SessionMetrics), clock, Logs.Of<SweepLoop>())
        {
            Swept = () => Volatile.Write(ref _sweptAt, Time.GetTimestamp()),
        };
        Gate = new AcceptGate(new GateOptions(), TrustedProxies.None, new WordlessBans(guard, Time, NullLogger<WordlessBans>.Instance), new GateMetrics(metrics), clock);
        Door = new TcpDoor(Conversations, Gate, TrustedProxies.None);
    }

    public HandClock Time { get; } = new();
    public AcceptGate Gate { get; }
    public LogCollector Logs { get; } = new();
    public MatchIndex Index { get; }
    public KeyRing Keys { get; }
    public MinerRegistry Registry { get; }
    public SessionTable Table { get; }
    public SessionMetrics SessionMetrics { get; }
    public Conversations Conversations { get; }
    public SweepLoop Sweep { get; }
    public TcpDoor Door { get; }

    /// <summary>Timestamp of the last sweep that went well.</summary>
    public long SweptAt => Volatile.Read(ref _sweptAt);

    public PipeMiner Connect() => new(Door);

    /// <summary>
    /// A live miner. It has resumed, since a registration waits for the store, and the hub then reads on in a thread of
    /// its own.
    /// </summary>
    public async Task<PipeMiner> EnrolAsync(string minerId)
    {
        PipeMiner first = Connect();
        await first.EnrolAsync(minerId);
        await first.BreakAsync();
        PipeMiner miner = Connect();
        miner.Send(new Hello(1, [], minerId, null, first.Token));
        Assert.True((await miner.ExpectAsync<Welcome>()).Resumed);
        return miner;
    }

    public async ValueTask DisposeAsync()
    {
        await Sweep.StopAsync(CancellationToken.None);
        Sweep.Dispose();
        await _store.DisposeAsync();
        Directory.Delete(_dir, recursive: true);
        Logs.AssertNoOther();
    }
}

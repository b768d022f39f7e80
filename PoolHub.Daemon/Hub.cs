using System.Net;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Hosting.Systemd;
using PoolHub.Daemon.Access;
using PoolHub.Daemon.Gateway;
using PoolHub.Daemon.Http;
using PoolHub.Daemon.Matching;
using PoolHub.Daemon.Operations;
using PoolHub.Daemon.Registry;
using PoolHub.Daemon.Sessions;
using PoolHub.Daemon.Storage;
using PoolHub.Daemon.Trust;
using PoolHub.Protocol;
using PoolHub.Protocol.Http;
using Prometheus;

namespace PoolHub.Daemon;

/// <summary>A whole hub: every feature made and wired, from the store up to the two doors.</summary>
internal sealed class Hub : IAsyncDisposable
{
    /// <summary>For how long a hub that stops waits for requests in flight and for miners to close their sockets.</summary>
    private static readonly TimeSpan ShutdownTimeout = TimeSpan.FromSeconds(3);

    /// <summary>From the first byte of a request to the end of its head.</summary>
    private static readonly TimeSpan RequestHeadTimeout = TimeSpan.FromSeconds(5);

    /// <summary>As a mean, after 5 s: the longest body has 16 s, and no more than the connection's place is held by a slow one.</summary>
    private const double MinBodyBytesPerSec = 16_384;

    /// <summary>The same of who reads an answer.</summary>
    private const double MinAnswerBytesPerSec = 16_384;

    /// <summary>For long answers that wait for their readers.</summary>
    private const long AnswerBytes = 64 << 20;

    private readonly WebApplication _app;
    private readonly Door _http;
    private readonly Door _tcp;
    private readonly Parts _parts;

    private Hub(WebApplication app, Door http, Door tcp, Parts parts) =>
        (_app, _http, _tcp, _parts, Log) = (app, http, tcp, parts, LogOf<Hub>(app));

    /// <summary>Where the doors are, once it runs.</summary>
    public IPEndPoint HttpEndPoint => _http.Address;
    public IPEndPoint TcpEndPoint => _tcp.Address;

    public HubReload Reload => _parts.Reload;
    public AcceptGate Gate => _parts.Gate;
    public DoorSockets Doors => _app.Services.GetRequiredService<DoorSockets>();
    public Conversations Conversations => _parts.Conversations;
    public SweepLoop SweepLoop => _parts.Sweep;
    public Retention Retention => _parts.Retention;
    public MinerRegistry Registry => _parts.Registry;
    public IHubStore Store => _parts.Store;
    public GivenFilter Given => _parts.Given;
    public ILogger Log { get; }

    /// <summary>Opens the store, loads the miners and opens the doors.</summary>
    /// <param name="settings">The settings.</param>
    /// <param name="time">The hub's clock.</param>
    /// <param name="level">What is logged; may change while it runs.</param>
    /// <param name="logging">Where logs go.</param>
    /// <param name="more">Maps routes beside the hub's own, for whoever runs it inside of another program.</param>
    /// <param name="sockets">What systemd has passed; where there are any, the doors open there and nowhere else.</param>
    /// <param name="systemd">Is told how the hub is.</param>
    /// <exception cref="StoreRefusedException">The state directory cannot be used.</exception>
    /// <exception cref="IOException">A port is taken, or is not among the sockets.</exception>
    public static async Task<Hub> StartAsync(
        HubSettings settings,
        TimeProvider time,
        LogLevelSwitch level,
        Action<ILoggingBuilder> logging,
        Action<IEndpointRouteBuilder>? more = null,
        PassedSocket[]? sockets = null,
        ISystemdNotifier? systemd = null)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders().SetMinimumLevel(LogLevel.Trace).AddFilter(level.Admits);
        logging(builder.Logging);
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = ShutdownTimeout);
        builder.Services.AddRoutingCore();

        settings.Gateway.Check(sockets ?? []);
        var tls = new Tls(settings.Tls);
        var http = new Door(settings.Gateway.Bind, settings.Gateway.Port, "POOLHUB_PORT", sockets ?? []);
        var tcp = new Door(settings.Gateway.Bind, settings.Gateway.MinerPort, "POOLHUB_MINER_PORT", sockets ?? []);
        Parts? parts = null;
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = Limits.MaxBodyBytes;
            kestrel.Limits.MinRequestBodyDataRate = new MinDataRate(MinBodyBytesPerSec, RequestHeadTimeout);
            kestrel.Limits.MinResponseDataRate = new MinDataRate(MinAnswerBytesPerSec, RequestHeadTimeout);
            kestrel.Limits.KeepAliveTimeout = TimeSpan.FromSeconds(settings.Registry.LeaseTtlSec);
            kestrel.Limits.RequestHeadersTimeout = RequestHeadTimeout;
            http.Open(kestrel, o =>
            {
                o.Protocols = HttpProtocols.Http1;
                Guard(o, tls.UseAtHttpDoor);
                o.Use(next => connection => parts!.Drain.CountAsync(connection, next));
            });
            tcp.Open(kestrel, o =>
            {
                Guard(o, tls.UseAtMinerDoor);
                o.Use(_ => connection => parts!.Door.OnConnectedAsync(connection));
            });
        });
        void Guard(ListenOptions door, Action<ListenOptions> useTls)
        {
            door.Use(next => connection => parts!.Gate.FollowAsync(connection, next));
            useTls(door);
            if (tls.IsOn)
            {
                door.Use(next => connection => parts!.Gate.SecuredAsync(connection, next));
            }
        }
        builder.Services.AddSingleton(services => new DoorSockets(() => parts!.Gate, services.GetRequiredService<ILoggerFactory>()));
        // Kestrel asks the last one first.
        builder.Services.AddSingleton<IConnectionListenerFactory>(s => s.GetRequiredService<DoorSockets>());
        builder.Services.AddSingleton(new AnswerBudget(AnswerBytes));
        builder.Services.AddHostedService(_ => parts!.Drain);
        builder.Services.AddHostedService(_ => parts!.Sweep);
        builder.Services.AddHostedService(_ => parts!.Retention);
        WebApplication app = builder.Build();
        IHubStore? store = null;
        try
        {
            await using (ServiceNotifier.ExtendStart(systemd, time, LogOf<ServiceNotifier>(app)))
            {
                store = await HubStores.OpenAsync(settings.Storage, settings.StateDir, time, app.Services.GetRequiredService<ILoggerFactory>());
            }
            parts = await WireAsync(app, store, settings, tls, time, level, systemd);
            more?.Invoke(app);
            await app.StartAsync();
            return new Hub(app, http, tcp, parts);
        }
        catch
        {
            await app.DisposeAsync();
            if (store is not null)
            {
                await store.DisposeAsync();
            }
            throw;
        }
    }

    /// <summary>Ends when the hub has stopped; false when it was not told to, but one of its loops has failed.</summary>
    public async Task<bool> WaitForShutdownAsync()
    {
        await _app.WaitForShutdownAsync();
        BackgroundService[] loops = [_parts.Sweep, _parts.Retention];
        return loops.All(loop => loop.ExecuteTask is not { IsFaulted: true });
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
        // Last of all: whoever stops may still have something to keep.
        await _parts.Store.DisposeAsync();
    }

    private static async Task<Parts> WireAsync(
        WebApplication app, IHubStore store, HubSettings settings, Tls tls, TimeProvider time, LogLevelSwitch level, ISystemdNotifier? systemd)
    {
        CollectorRegistry collectors = Metrics.NewCustomRegistry();
        // Nobody traces, so there is nothing to look for with every count.
        MetricFactory metrics = Metrics.WithCustomRegistry(collectors);
        metrics.ExemplarBehavior = ExemplarBehavior.NoExemplars();
        StoreMetrics.Export(store, time, metrics, collectors);
        LogMetrics.Export(app.Services.GetServices<ILoggerProvider>().OfType<QueuedLog>().SingleOrDefault(), metrics, collectors);

        var index = new MatchIndex(time);
        var holds = new HoldBook(index, time) { Share = new HoldShare(settings.Access.HoldSharePercent) };
        var given = new GivenFilter(settings.StateDir, time, LogOf<GivenFilter>(app));
        GivenMetrics.Export(given, time, metrics, collectors);
        var model = new TrustModel(settings.Trust);
        var trust = new TrustBook(model, store, time, () => index.Count);
        var keys = new KeyRing(store, time);
        var clock = new RunningClock(time);
        var registry = new MinerRegistry(settings.Registry, index, holds, trust, store, time, clock);
        index.SlotOf = minerId => registry.Find(minerId)?.Slot ?? Miner.NoSlot;
        IReadOnlyList<StoredMiner> stored = await store.LoadAsync(CancellationToken.None);
        keys.Load(stored);
        trust.Load(stored);
        registry.Load(stored);
        (store as SpooledStore)?.Deliver(keys.Knows, trust.RecordAsync);

        byte[] tokenKey = Encoding.UTF8.GetBytes(SecretFile.ReadOrCreate(settings.StateDir, SecretFile.SessionKey, out _));
        var guard = new LoginGuard(settings.Login, time, LogOf<LoginGuard>(app));
        LoginMetrics.Export(guard, metrics, collectors);
        var coordinators = new Coordinators(tokenKey, metrics, time);
        var credentials = new Credentials(settings.Access, settings.StateDir, coordinators, guard);
        HoldMetrics.Export(holds, coordinators, metrics, collectors);
        var tokens = new SessionTokens(tokenKey, time);
        var sessionMetrics = new SessionMetrics(metrics);
        var wordless = new WordlessBans(guard, time, LogOf<WordlessBans>(app));
        guard.Entering = address => wordless.Bans.Lift(address);
        var gate = new AcceptGate(settings.Gate, settings.Gateway.Proxies, wordless, new GateMetrics(metrics), clock);
        var doorkeeper = new Doorkeeper(registry, keys, tokens, tls, guard, settings.Access, LogOf<Doorkeeper>(app));
        var table = new SessionTable(registry, keys, tokens, doorkeeper, LogOf<SessionTable>(app));
        var commands = new CommandDesk(registry);
        var conversations = new Conversations(table, registry, commands, guard, sessionMetrics, settings.Inflow, clock, LogOf<Conversations>(app));
#pragma warning disable CA2000 // The host disposes what it runs.
        var sweep = new SweepLoop(
            registry, table, conversations, trust, store, keys, new SweepMetrics(metrics, sessionMetrics), clock, LogOf<SweepLoop>(app))
        {
            StuckAfter = TimeSpan.FromSeconds(settings.Registry.StuckSweepSec),
        };
        sweep.Sweep();
        var trim = new MemoryTrim(gate, MemoryTrim.CollectGarbage);
        var young = YoungGarbage.OfRuntime();
        var doors = app.Services.GetRequiredService<DoorSockets>();
        sweep.Each = now =>
        {
            gate.Sweep(now);
            doors.Sweep();
            trim.Sweep();
            young.Sweep();
            given.Sweep();
        };
        var drain = new Drain(doors, conversations);

        app.UseTrustedProxies(settings.Gateway.Proxies);
        drain.UseDrain(app);
        gate.UseGate(app);
        app.UseHttpMetrics(metrics);
        app.UseProblemDetails(e => (e as StoreUnavailableException)?.Message, LogOf<Hub>(app));
        CountedUpgrade.Use(app);
        app.UseWebSockets(new WebSocketOptions { KeepAliveInterval = Timeout.InfiniteTimeSpan });
        var queries = new QueryReader(settings.Match);
        var decisions = new DecisionLog(time);
        var matches = new MatchMetrics(metrics);
        var matcher = new Matcher(index, holds, decisions, given, matches, time);
        new MatchEndpoint(matcher, queries, credentials).Map(app);
        new BatchEndpoint(matcher, queries, credentials, BatchTurns.OfMachine(), time).Map(app);
        var explainer = new Explainer(index, minerId => Place(registry, minerId), time);
        new ExplainEndpoint(explainer, new ExplainThread(), () => index.Count, decisions, queries, credentials).Map(app);
        new FeedbackEndpoint(
            trust, credentials, GivenBy(given), registry.Observe, (report, tag) => EndHolds(holds, report, tag), metrics, time).Map(app);
        new MinerEndpoints(table, registry, commands).Map(app);
        new WebSocketDoor(conversations, table, gate).Map(app);
        var audit = new AuditLog(store, time, LogOf<AuditLog>(app));
        new HoldEndpoint(holds, credentials, audit).Map(app);
        new HoldListEndpoint(holds, coordinators, credentials, audit).Map(app);
        new CommandEndpoint(table, registry, commands, credentials, audit, time, app.Lifetime.ApplicationStopping).Map(app);
        new PriceEndpoint(registry, credentials, audit, time).Map(app);
        new MinerTrustEndpoints(trust, store, keys.Knows, credentials, audit).Map(app);
        new KeyEndpoints(keys, credentials, audit, time, table.RevokeAsync).Map(app);
        new BanEndpoints(guard, wordless.Bans, credentials, audit, LogOf<BanEndpoints>(app)).Map(app);
        new AuditEndpoint(store, credentials).Map(app);
        new OperationsEndpoints(registry, table, trust, store, credentials, audit, new MetricsPage(collectors), time).Map(app);
        if (systemd is { IsEnabled: true })
        {
            var notifier = new ServiceNotifier(systemd, registry, matches, time, LogOf<ServiceNotifier>(app));
            app.Lifetime.ApplicationStarted.Register(notifier.Ready);
            app.Lifetime.ApplicationStopping.Register(notifier.Stopping);
            sweep.Swept = notifier.Swept;
        }
        return new Parts(
            store,
            gate,
            new TcpDoor(conversations, gate, settings.Gateway.Proxies),
            conversations,
            sweep,
            drain,
            new Retention(store, settings.Storage, time, LogOf<Retention>(app)),
            new HubReload(
                settings, level, queries, credentials, holds, model, registry, new Doorkeepers(tls, gate, guard, conversations), LogOf<HubReload>(app)),
            registry,
            given);
#pragma warning restore CA2000
    }

    /// <summary>What feedback asks of past matches.</summary>
    private static PastMatches GivenBy(GivenFilter given) => new(
        (tag, jobId, minerId) => given.Has(tag, StableHash.Of(jobId), StableHash.Of(minerId)),
        DecisionLog.TagOf,
        matchId => DecisionLog.TimeOf(matchId) < given.KnownSince.ToUnixTimeMilliseconds());

    /// <summary>A miner that took the job needs no slot held any more, and nobody else does.</summary>
    private static int EndHolds(HoldBook holds, FeedbackRequest report, uint tag) => holds.EndByFeedback(
        report.MatchId, report.JobId!, report.MinerId!, taken: report.Outcome is Outcomes.Accepted or Outcomes.Completed, tag);

    /// <summary>Where a miner that has registered stands.</summary>
    private static MinerPlace? Place(MinerRegistry registry, string minerId) => registry.Find(minerId) is { Profile: { } profile } miner
        ? new MinerPlace(miner.Slot, profile, miner.Draining ? "draining" : "ejected")
        : null;

    private sealed record Parts(
        IHubStore Store, AcceptGate Gate, TcpDoor Door, Conversations Conversations, SweepLoop Sweep, Drain Drain, Retention Retention,
        HubReload Reload, MinerRegistry Registry, GivenFilter Given);

    private static ILogger<T> LogOf<T>(WebApplication app) => app.Services.GetRequiredService<ILogger<T>>();
}

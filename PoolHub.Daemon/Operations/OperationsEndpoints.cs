using System.Reflection;
using PoolHub.Daemon.Access;
using PoolHub.Daemon.Http;
using PoolHub.Daemon.Matching;
using PoolHub.Daemon.Registry;
using PoolHub.Daemon.Sessions;
using PoolHub.Daemon.Storage;
using PoolHub.Daemon.Trust;
using PoolHub.Protocol;
using PoolHub.Protocol.Http;

namespace PoolHub.Daemon.Operations;

/// <summary>Health, metrics and the registry's snapshot; docs/http-api.md.</summary>
internal sealed class OperationsEndpoints(
    MinerRegistry registry,
    SessionTable table,
    TrustBook trust,
    IHubStore store,
    Credentials credentials,
    AuditLog audit,
    MetricsPage metrics,
    TimeProvider time)
{
    private const string GuardReason =
        "many miners fell silent at once: the hub suspects its own network and keeps them; see POST /v1/miners/accept-loss";

    private const string MetricsContentType = "text/plain; version=0.0.4; charset=utf-8";

    private static readonly string[] States = ["online", "degraded", "offline"];

    private readonly long _startedAt = time.GetTimestamp();

    public static string Version { get; } =
        typeof(OperationsEndpoints).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/health", HealthAsync);
        routes.MapGet("/v1/metrics", MetricsAsync);
        routes.MapGet("/v1/miners", ListAsync);
        routes.MapGet("/v1/miners/{id}", ShowAsync);
        routes.MapPost("/v1/miners/accept-loss", AcceptLossAsync);
    }

    private Task HealthAsync(HttpContext http)
    {
        string[] reasons =
        [
            .. registry.Guard.Active ? [GuardReason] : Array.Empty<string>(),
            .. store.Figures.Trouble is { } trouble ? [trouble] : Array.Empty<string>(),
        ];
        return http.Response.JsonAsync(new HealthResponse
        {
            Status = reasons.Length > 0 ? "degraded" : "ok",
            OnlineMiners = registry.OnlineCount,
            DegradedMiners = registry.DegradedCount,
            AvgLatencyMs = registry.MeanRttMs is { } rttMs ? Math.Round(rttMs, 2) : null,
            Reasons = reasons.Length > 0 ? reasons : null,
            Version = Version,
            UptimeSec = (long)time.GetElapsedTime(_startedAt).TotalSeconds,
        }, HubJson.Default.HealthResponse);
    }

    private async Task MetricsAsync(HttpContext http)
    {
        ReadOnlyMemory<byte> page = await metrics.WriteAsync();
        http.Response.ContentType = MetricsContentType;
        await http.Response.WriteAllAsync(page);
    }

    private async Task ListAsync(HttpContext http)
    {
        IQueryCollection query = http.Request.Query;
        string? cursor = query["cursor"];
        if (!await credentials.RequireAsync(http, Caller.Admin)
            || await http.ReadLimitAsync() is not { } limit
            || !await http.IsMinerIdAsync("cursor", cursor, "must be the next_cursor of another page"))
        {
            return;
        }
        string? state = query["state"];
        if (state is not null && !States.Contains(state))
        {
            await http.Response.BadFieldAsync(("state", "must be online, degraded or offline"));
            return;
        }
        string? region = query["region"];
        if (region is not null && !Texts.IsSlug(region, Limits.RegionChars))
        {
            await http.Response.BadFieldAsync(("region", Texts.RegionRule));
            return;
        }
        List<Miner> page = [.. registry
            .After(cursor, m => (state is null || m.State.Name() == state) && (string.IsNullOrEmpty(region) || ClauseRule.IsWithin(m.Profile!.Region, region)))
            .Take(limit + 1)];
        bool more = page.Count > limit;
        await http.Response.JsonAsync(new MinerPage
        {
            Miners = [.. page.Take(limit).Select(Snapshot)],
            NextCursor = more ? page[limit - 1].Id : null,
        }, HubJson.Default.MinerPage);
    }

    private async Task ShowAsync(HttpContext http)
    {
        if (!await credentials.RequireAsync(http, Caller.Admin))
        {
            return;
        }
        if (registry.Find((string)http.Request.RouteValues["id"]!) is not { Profile: not null } miner)
        {
            await http.Response.ProblemAsync(StatusCodes.Status404NotFound, "no such miner");
            return;
        }
        await http.Response.JsonAsync(Snapshot(miner), HubJson.Default.MinerSnapshot);
    }

    private async Task AcceptLossAsync(HttpContext http)
    {
        if (await credentials.AuthenticateAsync(http, Caller.Admin) is not { } admin)
        {
            return;
        }
        int held = registry.Guard.Held;
        registry.Guard.Accept();
        await audit.AppendAsync(audit.Entry(http, admin, AuditEntry.AcceptLoss, minerId: null, $"{held} miners"));
        await http.Response.JsonAsync(new AcceptLossResponse { Released = held }, HubJson.Default.AcceptLossResponse);
    }

    private MinerSnapshot Snapshot(Miner miner)
    {
        MinerProfile profile = miner.Profile!;
        Session? session = table.Find(miner.Id);
        bool open = session is not null && miner.State != LeaseState.Offline && (session.Channel is not null || miner.State == LeaseState.Online);
        return new MinerSnapshot
        {
            MinerId = miner.Id,
            State = miner.State.Name(),
            Transport = open ? session!.Transport.Name() : null,
            Epoch = miner.Epoch,
            Addr = profile.Addr,
            Proto = profile.Proto,
            GpuName = profile.GpuName,
            GpuVramGb = profile.GpuVramGb,
            CpuCores = profile.CpuCores,
            RamGb = profile.RamGb,
            PriceTokenPerKsec = profile.Price,
            PriceOverride = registry.PriceOverrideOf(miner) is { } price
                ? new PriceOverrideView { PriceTokenPerKsec = price.Price, EndsAt = price.EndsAt }
                : null,
            MaxParallel = profile.MaxParallel,
            Region = profile.Region,
            Owner = profile.Owner,
            Accel = profile.Accel,
            Tags = profile.Tags,
            Capabilities = profile.Capabilities,
            QueueLen = miner.QueueLen,
            Busy = miner.Busy,
            Held = registry.Held(miner),
            RttMs = float.IsNaN(miner.RttMs) ? null : Math.Round(miner.RttMs, 2),
            AvgLatencyMs = miner.AvgLatencyMs,
            TempC = miner.TempC,
            MemFreeGb = miner.MemFreeGb,
            TrustScore = trust.Score(miner.Id),
            Draining = miner.Draining,
            EjectedForSec = trust.EjectedUntil(miner.Id) is { } until ? (int)Math.Ceiling((until - time.GetUtcNow()).TotalSeconds) : null,
            LastSeenAt = miner.LastSeenMs == 0 ? null : DateTimeOffset.FromUnixTimeMilliseconds(miner.LastSeenMs),
        };
    }
}

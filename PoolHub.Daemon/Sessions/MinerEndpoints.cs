using PoolHub.Daemon.Access;
using PoolHub.Daemon.Http;
using PoolHub.Daemon.Registry;
using PoolHub.Daemon.Storage;
using PoolHub.Protocol;
using PoolHub.Protocol.Http;
using PoolHub.Protocol.Wire;

namespace PoolHub.Daemon.Sessions;

/// <summary>The life of a miner over HTTP; docs/http-api.md, "Miners".</summary>
internal sealed class MinerEndpoints(SessionTable table, MinerRegistry registry, CommandDesk commands)
{
    /// <summary>128 of the longest bodies.</summary>
    private const long BodyBudgetBytes = 32 << 20;

    public const string TokenHeader = "X-PoolHub-Session";
    public const string TokenParameter = "session_token";

    private readonly BodyBudget _bodies = new(BodyBudgetBytes);

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("/v1/miners/register", RegisterAsync);
        routes.MapPost("/v1/miners/update", UpdateAsync);
        routes.MapGet("/v1/miners/lease/renew", RenewAsync);
        routes.MapPost("/v1/miners/logout", LogoutAsync);
    }

    /// <summary>The token of a request: in the header, or in the address where a header cannot be set.</summary>
    public static string? TokenOf(HttpRequest request) =>
        request.Headers[TokenHeader] is [{ Length: > 0 } header] ? header : (string?)request.Query[TokenParameter];

    public static Peer PeerOf(HttpContext http) => Peer.Of(http.Connection.RemoteIpAddress, http.Connection.ClientCertificate);

    /// <summary>Answers a miner that was not let in.</summary>
    public static Task RefuseAsync(HttpResponse response, in Admission admission) => admission.Refusal switch
    {
        CloseReason.StaleSession => response.ProblemAsync(StatusCodes.Status409Conflict, admission.Detail),
        CloseReason.Flapping or CloseReason.RateLimited => response.TooManyAsync(admission.Detail, admission.RetryAfter),
        CloseReason.Banned => response.TooManyAsync(admission.Detail, admission.RetryAfter, closes: true),
        _ => response.ProblemAsync(StatusCodes.Status401Unauthorized, admission.Detail),
    };

    private async Task RegisterAsync(HttpContext http)
    {
        if (await http.ReadJsonAsync(HubJson.Default.RegisterRequest, _bodies) is not { } request)
        {
            return;
        }
        (string, string)? fault = !Texts.IsMinerId(request.MinerId)
            ? ("miner_id", Texts.MinerIdRule)
            : request.ApiKey is not { Length: > 0 and <= Limits.ApiKeyChars } && (request.ApiKey is not null || table.NeedsKey)
                ? ("api_key", $"must be 1 to {Limits.ApiKeyChars} characters")
                : null;
        MinerProfile? profile = fault is null ? request.ToProfile(out fault) : null;
        if (fault is { } wrong)
        {
            await http.Response.BadFieldAsync(wrong);
            return;
        }
        Admission admission = table.Open(request.MinerId!, request.ApiKey, PeerOf(http), LoginKind.Register, channel: null);
        if (admission.Session is not { } session)
        {
            await RefuseAsync(http.Response, admission);
            return;
        }
        try
        {
            if (!await table.RegisterAsync(session, profile!))
            {
                await RefuseAsync(http.Response, Doorkeeper.Stale);
                return;
            }
        }
        catch (StoreUnavailableException)
        {
            table.Forget(session);
            throw;
        }
        await AnswerAsync(http, session, fresh: true);
    }

    private async Task UpdateAsync(HttpContext http)
    {
        if (await http.ReadJsonAsync(HubJson.Default.UpdateRequest, _bodies) is not { } update)
        {
            return;
        }
        Admission admission = table.Resume(update.SessionToken ?? TokenOf(http.Request), PeerOf(http), channel: null);
        if (admission.Session is not { } session)
        {
            await RefuseAsync(http.Response, admission);
            return;
        }
        if (StatusReport.FindProblem(update) is { } fault)
        {
            await http.Response.BadFieldAsync(fault);
            return;
        }
        if (!registry.Report(session.Miner, session.Epoch, new MinerReport(
            update.QueueLen!.Value, update.Busy, update.CurrentJobs?.Length, update.AvgLatencyMs, update.TempC, update.MemFreeGb)))
        {
            await RefuseAsync(http.Response, Doorkeeper.Stale);
            return;
        }
        if (update.PriceTokenPerKsec is { } price && price != session.Miner.Profile!.Price)
        {
            _ = await registry.ChangeProfileAsync(session.Miner, p => p with { Price = price });
        }
        foreach (CommandOutcome ack in update.CommandAcks ?? [])
        {
            await commands.AcknowledgeAsync(session, new CommandAck(ack.CommandId, ack.Accepted, ack.Detail ?? ""));
        }
        await AnswerAsync(http, session, fresh: admission.Aging);
    }

    private async Task RenewAsync(HttpContext http)
    {
        Admission admission = table.Resume(TokenOf(http.Request), PeerOf(http), channel: null);
        if (admission.Session is not { } session)
        {
            await RefuseAsync(http.Response, admission);
            return;
        }
        if (!registry.Renew(session.Miner, session.Epoch))
        {
            await RefuseAsync(http.Response, Doorkeeper.Stale);
            return;
        }
        await AnswerAsync(http, session, fresh: admission.Aging);
    }

    private async Task LogoutAsync(HttpContext http)
    {
        string? token = TokenOf(http.Request);
        if (token is null)
        {
            if (await http.ReadJsonAsync(HubJson.Default.LogoutRequest, _bodies) is not { } request)
            {
                return;
            }
            token = request.SessionToken;
        }
        Admission admission = table.Resume(token, PeerOf(http), channel: null, mayRegister: true);
        if (admission.Session is not { } session)
        {
            await RefuseAsync(http.Response, admission);
            return;
        }
        await table.LeaveAsync(session, detail: "the miner logged out over HTTP");
        await http.Response.JsonAsync(new LogoutResponse { Status = LeaseState.Offline.Name() }, HubJson.Default.LogoutResponse);
    }

    private Task AnswerAsync(HttpContext http, Session session, bool fresh)
    {
        PendingCommand[] waiting = session.Channel is null ? [.. session.Commands.Waiting().Select(c => CommandNames.ToPending(c))] : [];
        return http.Response.JsonAsync(new LeaseResponse
        {
            Status = session.Miner.State.Name(),
            LeaseTtlSec = registry.LeaseTtlSec,
            NextHeartbeatSec = registry.Pace.NextSec(),
            SessionToken = fresh ? table.TokenOf(session) : null,
            Commands = waiting.Length > 0 ? waiting : null,
        }, HubJson.Default.LeaseResponse);
    }
}

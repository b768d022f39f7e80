using System.Globalization;
using PoolHub.Daemon.Access;
using PoolHub.Daemon.Http;
using PoolHub.Protocol;
using PoolHub.Protocol.Http;

namespace PoolHub.Daemon.Matching;

/// <summary>What is held, and giving it back without its match; docs/http-api.md, "Holds".</summary>
/// <param name="holds">The holds.</param>
/// <param name="coordinators">Whose they are.</param>
/// <param name="credentials">Who may ask: coordinators for their own, admins for all.</param>
/// <param name="audit">Says what an admin has released.</param>
internal sealed class HoldListEndpoint(HoldBook holds, Coordinators coordinators, Credentials credentials, AuditLog audit)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/holds", ListAsync);
        routes.MapPost("/v1/holds/release", ReleaseAsync);
    }

    private async Task ListAsync(HttpContext http)
    {
        IQueryCollection query = http.Request.Query;
        long after = 0;
        if (await credentials.AuthenticateAsync(http, Caller.Coordinator | Caller.Admin) is not { } caller
            || await http.ReadLimitAsync() is not { } limit)
        {
            return;
        }
        if ((string?)query["cursor"] is { } cursor && !long.TryParse(cursor, NumberStyles.None, CultureInfo.InvariantCulture, out after))
        {
            await http.Response.BadFieldAsync(("cursor", "must be the next_cursor of another page"));
            return;
        }
        var asked = new ReleaseHoldsRequest
        {
            MatchId = query["match_id"],
            JobId = query["job_id"],
            MinerId = query["miner_id"],
            Coordinator = query["coordinator"],
        };
        if (await ReadAsync(http, caller, asked) is not { } filter)
        {
            return;
        }
        LiveHold[] page = holds.List(filter, after, limit, out long? next);
        await http.Response.JsonAsync(new HoldPage
        {
            Holds = Array.ConvertAll(page, View),
            NextCursor = next?.ToString(CultureInfo.InvariantCulture),
        }, HubJson.Default.HoldPage);
    }

    private async Task ReleaseAsync(HttpContext http)
    {
        if (await credentials.AuthenticateAsync(http, Caller.Coordinator | Caller.Admin) is not { } caller
            || await http.ReadJsonAsync(HubJson.Default.ReleaseHoldsRequest) is not { } request
            || await ReadAsync(http, caller, request) is not { } filter)
        {
            return;
        }
        if (request is { MatchId: null, JobId: null, MinerId: null })
        {
            await http.Response.BadFieldAsync(("job_id", "or miner_id or match_id must be given"));
            return;
        }
        int released = holds.Release(filter);
        (string What, string? Which)[] said = [("match", request.MatchId), ("job", request.JobId), ("coordinator", request.Coordinator)];
        string which = string.Join(", ", said.Where(s => s.Which is not null).Select(s => $"{s.What} {s.Which}"));
        await audit.HoldsReleasedAsync(http, caller, request.MinerId, which, released);
        await http.Response.JsonAsync(new ReleaseResponse { Released = released }, HubJson.Default.ReleaseResponse);
    }

    private HoldView View(LiveHold hold) => new()
    {
        MatchId = hold.Match.MatchId,
        JobId = hold.Match.JobId,
        MinerId = hold.MinerId,
        Addr = hold.Addr,
        Proto = hold.Proto,
        Coordinator = coordinators.Find(hold.Match.Tag)?.Name,
        Price = hold.Price,
        HoldExpiresInMs = hold.ExpiresInMs,
    };

    /// <summary>Null after a problem has been answered.</summary>
    private async ValueTask<HoldFilter?> ReadAsync(HttpContext http, Identity caller, ReleaseHoldsRequest asked)
    {
        if (asked.JobId is { } job && (job.Length is 0 or > Limits.JobIdChars || !Texts.IsPrintable(job)))
        {
            await http.Response.BadFieldAsync(("job_id", $"must be 1 to {Limits.JobIdChars} printable characters"));
            return null;
        }
        if (asked.MatchId is { } match && DecisionLog.TagOf(match) is null)
        {
            await http.Response.BadFieldAsync(("match_id", "must be the match_id of an answer"));
            return null;
        }
        if (!await http.IsMinerIdAsync("miner_id", asked.MinerId, Texts.MinerIdRule)
            || (asked.MatchId is { } named && !await credentials.RequireOwnMatchAsync(http, caller, DecisionLog.TagOf(named))))
        {
            return null;
        }
        Coordinator? whose = asked.Coordinator is { } name ? coordinators.All.FirstOrDefault(c => c.Name == name) : caller.Coordinator;
        if (asked.Coordinator is not null && (whose is null || (caller.Coordinator ?? whose) != whose))
        {
            await http.Response.BadFieldAsync(("coordinator", caller.Coordinator is null ? "is none that the settings name" : "must be the caller"));
            return null;
        }
        return new HoldFilter(whose?.Tag, asked.JobId, asked.MinerId, asked.MatchId);
    }
}

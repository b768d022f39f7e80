using System.Text.Json.Serialization.Metadata;
using PoolHub.Daemon.Access;
using PoolHub.Daemon.Http;
using PoolHub.Protocol;
using PoolHub.Protocol.Http;

namespace PoolHub.Daemon.Matching;

/// <summary>Giving the holds of a match back, and keeping them for longer; docs/http-api.md, "Holds".</summary>
/// <param name="holds">The holds.</param>
/// <param name="credentials">Who may ask.</param>
/// <param name="audit">Says what an admin has released.</param>
internal sealed class HoldEndpoint(HoldBook holds, Credentials credentials, AuditLog audit)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("/v1/match/{match_id}/release", ReleaseAsync);
        routes.MapPost("/v1/match/{match_id}/renew", RenewAsync);
    }

    private async Task ReleaseAsync(HttpContext http)
    {
        if (await AuthenticateAsync(http, Caller.Coordinator | Caller.Admin) is not { } caller
            || await ReadAsync(http, HubJson.Default.ReleaseRequest) is not { } request
            || !await http.IsMinerIdAsync("miner_id", request.MinerId, Texts.MinerIdRule))
        {
            return;
        }
        if (holds.Release(MatchId(http), request.MinerId, out int released) is var fault and not HoldFault.None)
        {
            await RefuseAsync(http, fault, []);
            return;
        }
        await audit.HoldsReleasedAsync(http, caller, request.MinerId, $"match {MatchId(http)}", released);
        await http.Response.JsonAsync(new ReleaseResponse { Released = released }, HubJson.Default.ReleaseResponse);
    }

    private async Task RenewAsync(HttpContext http)
    {
        if (await AuthenticateAsync(http, Caller.Coordinator) is null
            || await ReadAsync(http, HubJson.Default.RenewRequest) is not { } request
            || !await http.IsMinerIdAsync("miner_id", request.MinerId, Texts.MinerIdRule))
        {
            return;
        }
        if (request.HoldMs is < 1 or > Limits.MaxHoldMs)
        {
            await http.Response.BadFieldAsync(("hold_ms", $"must be from 1 to {Limits.MaxHoldMs}"));
            return;
        }
        if (holds.Renew(MatchId(http), request.MinerId, request.HoldMs, out LiveHold[] renewed, out EndedHold[] ended)
            is var fault and not HoldFault.None)
        {
            await RefuseAsync(http, fault, ended);
            return;
        }
        await http.Response.JsonAsync(new RenewResponse
        {
            Holds = Array.ConvertAll(renewed, View),
            Ended = ended.Length == 0 ? null : Array.ConvertAll(ended, e => new EndedMiner { MinerId = e.MinerId, Reason = e.Reason.Name() }),
        }, HubJson.Default.RenewResponse);
    }

    private static HeldMiner View(LiveHold hold) => new()
    {
        MinerId = hold.MinerId,
        HoldExpiresInMs = hold.ExpiresInMs,
        Price = hold.Price,
        MatchedPrice = hold.MatchedPrice == hold.Price ? null : hold.MatchedPrice,
        MaxParallel = hold.MaxParallel,
        MatchedMaxParallel = hold.MatchedMaxParallel == hold.MaxParallel ? null : hold.MatchedMaxParallel,
    };

    private static string MatchId(HttpContext http) => (string)http.Request.RouteValues["match_id"]!;

    /// <summary>Who calls; null after a problem has been answered.</summary>
    private async ValueTask<Identity?> AuthenticateAsync(HttpContext http, Caller wanted) =>
        await credentials.AuthenticateAsync(http, wanted) is { } caller
        && await credentials.RequireOwnMatchAsync(http, caller, DecisionLog.TagOf(MatchId(http)))
            ? caller
            : null;

    /// <summary>The body, or what an absent one means; null after a problem has been answered.</summary>
    private static async ValueTask<T?> ReadAsync<T>(HttpContext http, JsonTypeInfo<T> type)
        where T : class, new() => http.HasBody() ? await http.ReadJsonAsync(type) : new T();

    private static Task RefuseAsync(HttpContext http, HoldFault fault, EndedHold[] ended) => fault switch
    {
        HoldFault.UnknownMiner => http.Response.ProblemAsync(
            StatusCodes.Status404NotFound, "the match held no slot of this miner", "miner_id"),
        HoldFault.Ended => http.Response.ProblemAsync(
            StatusCodes.Status410Gone,
            ended.Length == 0
                ? "the match held nothing; match again"
                : $"what the match held has ended ({string.Join(", ", ended.Select(e => $"{e.MinerId}: {e.Reason.Name()}"))}); match again"),
        _ => http.Response.ProblemAsync(
            StatusCodes.Status404NotFound, "no match of this id has held anything, or it is so long over that it was forgotten", "match_id"),
    };
}

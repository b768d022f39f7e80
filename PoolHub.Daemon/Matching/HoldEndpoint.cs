using System.Text.Json.Serialization.Metadata;
using PoolHub.Daemon.Access;
using PoolHub.Daemon.Http;
using PoolHub.Protocol;
using PoolHub.Protocol.Http;

namespace PoolHub.Daemon.Matching;

/// <summary>Giving holds back, and keeping them for longer; docs/http-api.md, "Holds".</summary>
internal sealed class HoldEndpoint(HoldBook holds, Credentials credentials)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("/v1/match/{match_id}/release", ReleaseAsync);
        routes.MapPost("/v1/match/{match_id}/renew", RenewAsync);
    }

    private async Task ReleaseAsync(HttpContext http)
    {
        if (await ReadAsync(http, HubJson.Default.ReleaseRequest) is not { } request || !await IsMinerAsync(http, request.MinerId))
        {
            return;
        }
        if (holds.Release(MatchId(http), request.MinerId, out int released) is var fault and not HoldFault.None)
        {
            await RefuseAsync(http, fault);
            return;
        }
        await http.Response.JsonAsync(new ReleaseResponse { Released = released }, HubJson.Default.ReleaseResponse);
    }

    private async Task RenewAsync(HttpContext http)
    {
        if (await ReadAsync(http, HubJson.Default.RenewRequest) is not { } request || !await IsMinerAsync(http, request.MinerId))
        {
            return;
        }
        if (request.HoldMs is < 1 or > Limits.MaxHoldMs)
        {
            await http.Response.BadFieldAsync(("hold_ms", $"must be from 1 to {Limits.MaxHoldMs}"));
            return;
        }
        if (holds.Renew(MatchId(http), request.MinerId, request.HoldMs, out RenewedHold[] renewed) is var fault and not HoldFault.None)
        {
            await RefuseAsync(http, fault);
            return;
        }
        await http.Response.JsonAsync(new RenewResponse
        {
            Holds = Array.ConvertAll(renewed, hold => new HeldMiner { MinerId = hold.MinerId, HoldExpiresInMs = hold.ExpiresInMs }),
        }, HubJson.Default.RenewResponse);
    }

    private static string MatchId(HttpContext http) => (string)http.Request.RouteValues["match_id"]!;

    /// <summary>The body, or what an absent one means; null after a problem has been answered.</summary>
    private async ValueTask<T?> ReadAsync<T>(HttpContext http, JsonTypeInfo<T> type)
        where T : class, new()
    {
        if (await credentials.AuthenticateAsync(http, Caller.Coordinator) is not { } caller
            || !await credentials.RequireOwnMatchAsync(http, caller, DecisionLog.TagOf(MatchId(http))))
        {
            return null;
        }
        return http.HasBody() ? await http.ReadJsonAsync(type) : new T();
    }

    private static async ValueTask<bool> IsMinerAsync(HttpContext http, string? minerId)
    {
        if (minerId is null || Texts.IsMinerId(minerId))
        {
            return true;
        }
        await http.Response.BadFieldAsync(("miner_id", Texts.MinerIdRule));
        return false;
    }

    private static Task RefuseAsync(HttpContext http, HoldFault fault) => fault switch
    {
        HoldFault.UnknownMiner => http.Response.ProblemAsync(
            StatusCodes.Status404NotFound, "the match held no slot of this miner", "miner_id"),
        HoldFault.Ended => http.Response.ProblemAsync(
            StatusCodes.Status410Gone, "the hold has ended: it expired, was released or was ended by feedback, or the miner left; match again"),
        _ => http.Response.ProblemAsync(
            StatusCodes.Status404NotFound, "no match of this id has held anything, or it is so long over that it was forgotten", "match_id"),
    };
}

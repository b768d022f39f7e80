using System.Globalization;
using PoolHub.Daemon.Access;
using PoolHub.Daemon.Http;
using PoolHub.Daemon.Storage;
using PoolHub.Protocol.Http;

namespace PoolHub.Daemon.Trust;

/// <summary>Who reported what of a miner, and taking its trust back; docs/http-api.md, "Feedback".</summary>
internal sealed class MinerTrustEndpoints(TrustBook trust, IHubStore store, Func<string, bool> knows, Credentials credentials, AuditLog audit)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/miners/{id}/feedback", ListAsync);
        routes.MapDelete("/v1/miners/{id}/trust", ResetAsync);
    }

    private async Task ListAsync(HttpContext http)
    {
        if (await AdmitAsync(http) is not var (_, minerId)
            || await http.ReadLimitAsync() is not { } limit
            || await http.ReadIdCursorAsync() is not { } before)
        {
            return;
        }
        IReadOnlyList<FeedbackRow> found = await store.ReadFeedbackAsync(minerId, before, limit + 1, http.RequestAborted);
        await http.Response.JsonAsync(new FeedbackPage
        {
            Reports = [.. found.Take(limit).Select(row => View(row.Feedback))],
            NextCursor = found.Count > limit ? found[limit - 1].Id.ToString(CultureInfo.InvariantCulture) : null,
        }, HubJson.Default.FeedbackPage);
    }

    private async Task ResetAsync(HttpContext http)
    {
        if (await AdmitAsync(http) is not var (admin, minerId))
        {
            return;
        }
        string detail = string.Create(CultureInfo.InvariantCulture, $"from {trust.Score(minerId):0.000}");
        await trust.ResetAsync(minerId, audit.Entry(http, admin, AuditEntry.TrustReset, minerId, detail));
        await http.Response.JsonAsync(
            new TrustResetResponse { MinerId = minerId, TrustScore = trust.Score(minerId) }, HubJson.Default.TrustResetResponse);
    }

    private async ValueTask<(Identity Admin, string MinerId)?> AdmitAsync(HttpContext http)
    {
        if (await credentials.AuthenticateAsync(http, Caller.Admin) is not { } admin)
        {
            return null;
        }
        string minerId = (string)http.Request.RouteValues["id"]!;
        if (knows(minerId))
        {
            return (admin, minerId);
        }
        await http.Response.ProblemAsync(StatusCodes.Status404NotFound, "no such miner");
        return null;
    }

    private static FeedbackView View(StoredFeedback feedback) => new()
    {
        At = feedback.At,
        Coordinator = feedback.Coordinator,
        JobId = feedback.JobId,
        Outcome = feedback.Outcome,
        Matched = feedback.Matched,
        LatencyMs = feedback.LatencyMs,
        FailCode = feedback.FailCode,
        TokensSpent = feedback.TokensSpent,
    };
}

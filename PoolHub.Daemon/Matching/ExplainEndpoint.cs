using PoolHub.Daemon.Access;
using PoolHub.Daemon.Http;
using PoolHub.Protocol;
using PoolHub.Protocol.Http;

namespace PoolHub.Daemon.Matching;

/// <summary>Why a match found whom it found; docs/http-api.md, "Why".</summary>
/// <param name="explainer">Says why.</param>
/// <param name="decisions">Past matches.</param>
/// <param name="queries">Reads requests.</param>
/// <param name="credentials">Who may ask.</param>
internal sealed class ExplainEndpoint(Explainer explainer, DecisionLog decisions, QueryReader queries, Credentials credentials)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("/v1/match/explain", ExplainAsync);
        routes.MapPost("/v1/match/why-not", WhyNotAsync);
        routes.MapGet("/v1/match/{match_id}", ShowAsync);
        routes.MapGet("/v1/match/{match_id}/why-not", WhyNotThenAsync);
    }

    private async Task ExplainAsync(HttpContext http)
    {
        if (await AdmitAsync(http) && await ReadQueryAsync(http) is { } query)
        {
            await http.Response.JsonAsync(explainer.Explain(query), HubJson.Default.ExplainResponse);
        }
    }

    private async Task WhyNotAsync(HttpContext http)
    {
        if (await AdmitAsync(http)
            && await ReadMinerIdAsync(http) is { } minerId
            && await ReadQueryAsync(http) is { } query)
        {
            await AnswerAsync(http, explainer.WhyNot(query, minerId), minerId);
        }
    }

    private async Task ShowAsync(HttpContext http)
    {
        if (await AdmitOwnAsync(http) && await FindDecisionAsync(http) is { } decision)
        {
            await http.Response.JsonAsync(MatchAnswer.Create(decision), HubJson.Default.DecisionResponse);
        }
    }

    private async Task WhyNotThenAsync(HttpContext http)
    {
        if (await AdmitOwnAsync(http)
            && await ReadMinerIdAsync(http) is { } minerId
            && await FindDecisionAsync(http) is { } decision)
        {
            await AnswerAsync(http, explainer.WhyNot(decision, minerId), minerId);
        }
    }

    /// <summary>A question about a match costs no less than one, and counts as one.</summary>
    private async ValueTask<bool> AdmitAsync(HttpContext http) =>
        await credentials.AuthenticateAsync(http, Caller.Coordinator) is { Coordinator: { } coordinator } && await coordinator.Matches.AdmitAsync(http);

    /// <summary>A past match is shown to whoever made it, and to admins.</summary>
    private async ValueTask<bool> AdmitOwnAsync(HttpContext http) =>
        await credentials.AuthenticateAsync(http, Caller.Coordinator | Caller.Admin) is { } caller
        && await credentials.RequireOwnMatchAsync(http, caller, DecisionLog.TagOf(MatchId(http)));

    private static string MatchId(HttpContext http) => (string)http.Request.RouteValues["match_id"]!;

    private static Task AnswerAsync(HttpContext http, WhyNotResponse? answer, string minerId) => answer is null
        ? http.Response.ProblemAsync(StatusCodes.Status404NotFound, $"no miner has registered under the miner_id {minerId}", "miner_id")
        : http.Response.JsonAsync(answer, HubJson.Default.WhyNotResponse);

    /// <summary>Null after a problem has been answered, as in the two below.</summary>
    private async ValueTask<MatchQuery?> ReadQueryAsync(HttpContext http)
    {
        if (await http.ReadJsonAsync(HubJson.Default.MatchRequest) is not { } request)
        {
            return null;
        }
        if (!queries.TryRead(request, out MatchQuery? query, out (string, string)? fault))
        {
            await http.Response.BadFieldAsync(fault.Value);
        }
        return query;
    }

    private static async ValueTask<string?> ReadMinerIdAsync(HttpContext http)
    {
        string? minerId = http.Request.Query["miner_id"];
        if (Texts.IsMinerId(minerId))
        {
            return minerId;
        }
        await http.Response.BadFieldAsync(
            ("miner_id", $"must be in the address, 1 to {Limits.MinerIdChars} letters, digits or any of . _ : -"));
        return null;
    }

    private async ValueTask<Decision?> FindDecisionAsync(HttpContext http)
    {
        Decision? decision = decisions.Find(MatchId(http));
        if (decision is null)
        {
            await http.Response.ProblemAsync(
                StatusCodes.Status404NotFound,
                $"no match is kept under this match_id; the hub keeps the last {DecisionLog.Capacity} since its start, now {decisions.Count}",
                "match_id");
        }
        return decision;
    }
}

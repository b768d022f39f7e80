using PoolHub.Daemon.Access;
using PoolHub.Daemon.Http;
using PoolHub.Protocol;
using PoolHub.Protocol.Http;

namespace PoolHub.Daemon.Matching;

/// <summary>Why a match found whom it found; docs/http-api.md, "Why".</summary>
/// <param name="explainer">Says why.</param>
/// <param name="thread">Where it does.</param>
/// <param name="miners">How many it looks at.</param>
/// <param name="decisions">Past matches.</param>
/// <param name="queries">Reads requests.</param>
/// <param name="credentials">Who may ask.</param>
internal sealed class ExplainEndpoint(
    Explainer explainer, ExplainThread thread, Func<int> miners, DecisionLog decisions, QueryReader queries, Credentials credentials)
{
    /// <summary>Looking plainly at so many takes as long as a match.</summary>
    private const int MinersToAMatch = 3_000;

    private static readonly TimeSpan s_wait = TimeSpan.FromSeconds(1);

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("/v1/match/explain", ExplainAsync);
        routes.MapPost("/v1/match/why-not", WhyNotAsync);
        routes.MapGet("/v1/match/{match_id}", ShowAsync);
        routes.MapGet("/v1/match/{match_id}/why-not", WhyNotThenAsync);
    }

    private async Task ExplainAsync(HttpContext http)
    {
        if (await credentials.AuthenticateAsync(http, Caller.Coordinator) is { } caller
            && await ReadQueryAsync(http) is { } query
            && await AdmitAsync(http, caller)
            && await RunAsync(http, caller, () => explainer.Explain(query)) is { } work)
        {
            await http.Response.JsonAsync(await work, HubJson.Default.ExplainResponse);
        }
    }

    private async Task WhyNotAsync(HttpContext http)
    {
        if (await credentials.AuthenticateAsync(http, Caller.Coordinator) is { } caller
            && await ReadMinerIdAsync(http) is { } minerId
            && await ReadQueryAsync(http) is { } query
            && await AdmitAsync(http, caller)
            && await RunAsync(http, caller, () => explainer.WhyNot(query, minerId)) is { } work)
        {
            await AnswerAsync(http, await work, minerId);
        }
    }

    private async Task ShowAsync(HttpContext http)
    {
        if (await AuthenticateOwnAsync(http) is not null && await FindDecisionAsync(http) is { } decision)
        {
            await http.Response.JsonAsync(MatchAnswer.Create(decision), HubJson.Default.DecisionResponse);
        }
    }

    private async Task WhyNotThenAsync(HttpContext http)
    {
        if (await AuthenticateOwnAsync(http) is { } caller
            && await ReadMinerIdAsync(http) is { } minerId
            && await FindDecisionAsync(http) is { } decision
            && await AdmitAsync(http, caller)
            && await RunAsync(http, caller, () => explainer.WhyNot(decision, minerId)) is { } work)
        {
            await AnswerAsync(http, await work, minerId);
        }
    }

    /// <summary>A question about every miner counts as as many matches as it costs; it can always be asked of a full allowance.</summary>
    private ValueTask<bool> AdmitAsync(HttpContext http, Identity caller) => caller.Coordinator is { Matches: { } matches }
        ? matches.AdmitAsync(http, Math.Min(matches.Burst, 1 + (miners() / MinersToAMatch)))
        : ValueTask.FromResult(true);

    /// <summary>Null after 429 has been answered: too many wait for theirs.</summary>
    private async ValueTask<Task<T>?> RunAsync<T>(HttpContext http, Identity caller, Func<T> work)
    {
        Task<T>? running = thread.TryRun(caller.Coordinator?.Tag ?? 0, work);
        if (running is null)
        {
            await http.Response.TooManyAsync("too many questions of this kind wait for their answers", s_wait);
        }
        return running;
    }

    /// <summary>A past match is shown to whoever made it, and to admins. Null after a problem has been answered.</summary>
    private async ValueTask<Identity?> AuthenticateOwnAsync(HttpContext http) =>
        await credentials.AuthenticateAsync(http, Caller.Coordinator | Caller.Admin) is { } caller
        && await credentials.RequireOwnMatchAsync(http, caller, DecisionLog.TagOf(MatchId(http)))
            ? caller
            : null;

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

using PoolHub.Daemon.Access;
using PoolHub.Daemon.Http;
using PoolHub.Protocol.Http;

namespace PoolHub.Daemon.Matching;

/// <summary>Who should run this job; docs/http-api.md, "Matching".</summary>
internal sealed class MatchEndpoint(Matcher matcher, QueryReader queries, Credentials credentials)
{
    private static readonly TimeSpan s_wait = TimeSpan.FromSeconds(1);

    public void Map(IEndpointRouteBuilder routes) => routes.MapPost("/v1/match", MatchAsync);

    private async Task MatchAsync(HttpContext http)
    {
        if (await credentials.AuthenticateAsync(http, Caller.Coordinator) is not { Coordinator: { } coordinator }
            || !await coordinator.Matches.AdmitAsync(http)
            || await http.ReadJsonAsync(HubJson.Default.MatchRequest, MatchRequestReader.TryRead) is not { } request)
        {
            return;
        }
        if (!queries.TryRead(request, out MatchQuery? query, out (string, string)? fault))
        {
            await http.Response.BadFieldAsync(fault.Value);
            return;
        }
        JsonBuffer answer = JsonBuffer.Rent();
        if (matcher.Match(query, coordinator.Tag, answer) is { } spent)
        {
            coordinator.HoldsLimited.Inc();
            await http.Response.TooManyAsync(spent.ToString(), s_wait);
        }
        else
        {
            await http.Response.JsonAsync(answer.Written);
        }
        answer.Return();
    }
}

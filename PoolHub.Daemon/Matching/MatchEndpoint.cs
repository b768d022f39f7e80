using PoolHub.Daemon.Access;
using PoolHub.Daemon.Http;
using PoolHub.Protocol.Http;

namespace PoolHub.Daemon.Matching;

/// <summary>Who should run this job; docs/http-api.md, "Matching".</summary>
internal sealed class MatchEndpoint(Matcher matcher, WeightProfiles profiles, Credentials credentials)
{
    private volatile WeightProfiles _profiles = profiles;

    public WeightProfiles Profiles => _profiles;

    public void Map(IEndpointRouteBuilder routes) => routes.MapPost("/v1/match", MatchAsync);

    /// <summary>Requests from now on may choose among these.</summary>
    public void Reload(WeightProfiles profiles) => _profiles = profiles;

    private async Task MatchAsync(HttpContext http)
    {
        if (!await credentials.RequireAsync(http, Caller.Coordinator)
            || await http.ReadJsonAsync(HubJson.Default.MatchRequest) is not { } request)
        {
            return;
        }
        if (!MatchQuery.TryCreate(request, _profiles, out MatchQuery? query, out (string, string)? fault))
        {
            await http.Response.BadFieldAsync(fault.Value);
            return;
        }
        await http.Response.JsonAsync(matcher.Match(query), HubJson.Default.MatchResponse);
    }
}

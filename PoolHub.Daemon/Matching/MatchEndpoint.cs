using System.Collections.Concurrent;
using PoolHub.Daemon.Access;
using PoolHub.Daemon.Http;
using PoolHub.Protocol.Http;

namespace PoolHub.Daemon.Matching;

/// <summary>Who should run this job; docs/http-api.md, "Matching".</summary>
internal sealed class MatchEndpoint(MatchIndex index, WeightProfiles profiles, Credentials credentials, MatchMetrics metrics, TimeProvider time)
{
    private readonly ConcurrentBag<MatchResult> _results = [];
    private volatile WeightProfiles _profiles = profiles;

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
        long begin = time.GetTimestamp();
        if (!MatchQuery.TryCreate(request, _profiles, out MatchQuery? query, out (string, string)? fault))
        {
            await http.Response.BadFieldAsync(fault.Value);
            return;
        }
        await http.Response.JsonAsync(Match(query, begin), HubJson.Default.MatchResponse);
    }

    private MatchResponse Match(MatchQuery query, long begin)
    {
        if (!_results.TryTake(out MatchResult? result))
        {
            result = new MatchResult();
        }
        index.Match(query, result);
        MatchResponse answer = MatchAnswer.Create(query, result);
        metrics.Matched(query, result, time.GetElapsedTime(begin));
        _results.Add(result);
        return answer;
    }
}

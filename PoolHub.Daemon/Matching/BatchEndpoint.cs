using PoolHub.Daemon.Access;
using PoolHub.Daemon.Http;
using PoolHub.Protocol;
using PoolHub.Protocol.Http;

namespace PoolHub.Daemon.Matching;

/// <summary>Many matches in one request and one transaction of holds; docs/http-api.md, "Batches".</summary>
internal sealed class BatchEndpoint(Matcher matcher, QueryReader queries, Credentials credentials)
{
    public void Map(IEndpointRouteBuilder routes) => routes.MapPost("/v1/match/batch", MatchAsync);

    private async Task MatchAsync(HttpContext http)
    {
        if (await credentials.AuthenticateAsync(http, Caller.Coordinator) is not { Coordinator: { } coordinator }
            || await http.ReadJsonAsync(HubJson.Default.BatchRequest, MatchRequestReader.TryReadBatch) is not { } batch)
        {
            return;
        }
        if (batch.Requests is not { Length: > 0 and <= Limits.MaxBatch } requests)
        {
            await http.Response.BadFieldAsync(("requests", $"must be 1 to {Limits.MaxBatch} match requests"));
            return;
        }
        if (requests.Length > coordinator.Matches.Burst)
        {
            // Waiting would not help: there are never so many at once.
            await http.Response.BadFieldAsync(("requests", $"must be at most {coordinator.Matches.Burst}: MATCH_RATE_LIMIT is {coordinator.Matches.PerSec}"));
            return;
        }
        if (!await coordinator.Matches.AdmitAsync(http, requests.Length))
        {
            return;
        }
        // All are read before the first holds anything.
        var all = new MatchQuery[requests.Length];
        for (int i = 0; i < all.Length; i++)
        {
            if (requests[i] is not { } request)
            {
                await http.Response.BadFieldAsync(($"requests[{i}]", "must be a match request"));
                return;
            }
            if (!queries.TryRead(request, out MatchQuery? query, out (string Field, string Problem)? fault))
            {
                await http.Response.BadFieldAsync(($"requests[{i}].{fault.Value.Field}", fault.Value.Problem));
                return;
            }
            all[i] = query;
        }
        JsonBuffer answers = JsonBuffer.Rent();
        matcher.MatchAll(all, coordinator.Tag, answers);
        await http.Response.JsonAsync(answers.Written);
        answers.Return();
    }
}

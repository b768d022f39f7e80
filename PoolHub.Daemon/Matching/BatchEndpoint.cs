using PoolHub.Daemon.Access;
using PoolHub.Daemon.Http;
using PoolHub.Protocol;
using PoolHub.Protocol.Http;

namespace PoolHub.Daemon.Matching;

/// <summary>Many matches in one request; docs/http-api.md, "Batches".</summary>
/// <param name="matcher">Answers each.</param>
/// <param name="queries">Reads them.</param>
/// <param name="credentials">Who may ask.</param>
/// <param name="turns">Whose batch goes on.</param>
/// <param name="time">Says when a turn is over.</param>
internal sealed class BatchEndpoint(Matcher matcher, QueryReader queries, Credentials credentials, BatchTurns turns, TimeProvider time)
{
    /// <summary>After so long others have their turn; a single match may take longer.</summary>
    private static readonly TimeSpan s_turn = TimeSpan.FromMicroseconds(200);

    private static readonly TimeSpan s_wait = TimeSpan.FromSeconds(1);

    public void Map(IEndpointRouteBuilder routes) => routes.MapPost("/v1/match/batch", MatchAsync);

    private async Task MatchAsync(HttpContext http)
    {
        if (await credentials.AuthenticateAsync(http, Caller.Coordinator) is not { Coordinator: { } coordinator })
        {
            return;
        }
        if (!turns.TryEnter(coordinator.Tag))
        {
            await http.Response.TooManyAsync($"{BatchTurns.Most} batches of this coordinator are under way", s_wait);
            return;
        }
        try
        {
            if (await ReadAsync(http, coordinator) is { } queries)
            {
                await AnswerAsync(http.Response, coordinator, queries);
            }
        }
        finally
        {
            turns.Leave(coordinator.Tag);
        }
    }

    /// <summary>All are read before the first holds anything. Null after a problem has been answered.</summary>
    private async ValueTask<MatchQuery[]?> ReadAsync(HttpContext http, Coordinator coordinator)
    {
        if (await http.ReadJsonAsync(HubJson.Default.BatchRequest, MatchRequestReader.TryReadBatch) is not { } batch)
        {
            return null;
        }
        if (batch.Requests is not { Length: > 0 and <= Limits.MaxBatch } requests)
        {
            await http.Response.BadFieldAsync(("requests", $"must be 1 to {Limits.MaxBatch} match requests"));
            return null;
        }
        if (requests.Length > coordinator.Matches.Burst)
        {
            // Waiting would not help: there are never so many at once.
            await http.Response.BadFieldAsync(("requests", $"must be at most {coordinator.Matches.Burst}: MATCH_RATE_LIMIT is {coordinator.Matches.PerSec}"));
            return null;
        }
        if (!await coordinator.Matches.AdmitAsync(http, requests.Length))
        {
            return null;
        }
        var all = new MatchQuery[requests.Length];
        for (int i = 0; i < all.Length; i++)
        {
            if (requests[i] is not { } request)
            {
                await http.Response.BadFieldAsync(($"requests[{i}]", "must be a match request"));
                return null;
            }
            if (!queries.TryRead(request, out MatchQuery? query, out (string Field, string Problem)? fault))
            {
                await http.Response.BadFieldAsync(($"requests[{i}].{fault.Value.Field}", fault.Value.Problem));
                return null;
            }
            all[i] = query;
        }
        return all;
    }

    /// <summary>
    /// Answers match after match. A long answer goes out in pieces, each after the reader has taken the one before: who
    /// does not read holds up its own batch, and no more of it than a match is in memory.
    /// </summary>
    private async Task AnswerAsync(HttpResponse response, Coordinator coordinator, MatchQuery[] queries)
    {
        JsonBuffer answers = JsonBuffer.Rent();
        answers.Raw("""{"answers":["""u8);
        bool inPieces = false;
        for (int next = 0; next < queries.Length;)
        {
            next = await TakeTurnAsync(coordinator, queries, next, answers);
            if (answers.Written.Length > AnswerBudget.Free && next < queries.Length)
            {
                inPieces = true;
                if (!await response.JsonPieceAsync(answers.Written))
                {
                    // Nobody reads it: there is no use in holding for what is left.
                    return;
                }
                answers.Clear();
            }
        }
        answers.Raw("]}"u8);
        if (inPieces)
        {
            _ = await response.JsonPieceAsync(answers.Written);
        }
        else
        {
            await response.JsonAsync(answers.Written);
        }
        answers.Return();
    }

    /// <summary>Answers from one match on until the turn is over or a piece is full; gives the next.</summary>
    private async ValueTask<int> TakeTurnAsync(Coordinator coordinator, MatchQuery[] queries, int next, JsonBuffer answers)
    {
        if (next > 0)
        {
            // Whatever else waits for a thread goes first.
            await Task.Yield();
        }
        await turns.BeginAsync(coordinator.Tag);
        try
        {
            long begin = time.GetTimestamp();
            do
            {
                answers.Raw(next == 0 ? default : ","u8);
                if (matcher.Match(queries[next], coordinator.Tag, answers, ofBatch: true) is not null)
                {
                    coordinator.HoldsLimited.Inc();
                }
                next++;
            }
            while (next < queries.Length && answers.Written.Length <= AnswerBudget.Free && time.GetElapsedTime(begin) < s_turn);
            return next;
        }
        finally
        {
            turns.End(coordinator.Tag);
        }
    }
}

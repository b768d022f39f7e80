using System.Collections.Concurrent;
using PoolHub.Protocol.Http;

namespace PoolHub.Daemon.Matching;

/// <summary>Answers checked queries.</summary>
internal sealed class Matcher(MatchIndex index, HoldBook holds, DecisionLog decisions, MatchMetrics metrics, TimeProvider time)
{
    private readonly ConcurrentBag<MatchResult> _results = [];

    public MatchResponse Match(MatchQuery query)
    {
        long begin = time.GetTimestamp();
        if (!_results.TryTake(out MatchResult? result))
        {
            result = new MatchResult();
        }
        Guid id = decisions.NextId();
        string matchId = id.ToString("N");
        if (query.HoldMs > 0)
        {
            holds.Match(matchId, query, result);
        }
        else
        {
            holds.EndExpired();
            index.Match(query, result);
        }
        decisions.Keep(id, query, result);
        MatchResponse answer = MatchAnswer.Create(matchId, query, result);
        metrics.Matched(query, result, time.GetElapsedTime(begin));
        _results.Add(result);
        return answer;
    }

    /// <summary>Answers all, in their order. Where one of them holds, nobody else holds in between.</summary>
    public MatchResponse[] MatchAll(MatchQuery[] queries)
    {
        if (!Array.Exists(queries, query => query.HoldMs > 0))
        {
            return Array.ConvertAll(queries, Match);
        }
        using Lock.Scope _ = holds.Begin();
        return Array.ConvertAll(queries, Match);
    }
}

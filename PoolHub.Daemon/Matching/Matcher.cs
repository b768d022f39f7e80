using System.Collections.Concurrent;
using PoolHub.Protocol.Http;

namespace PoolHub.Daemon.Matching;

/// <summary>Answers checked queries.</summary>
internal sealed class Matcher(MatchIndex index, DecisionLog decisions, MatchMetrics metrics, TimeProvider time)
{
    private readonly ConcurrentBag<MatchResult> _results = [];

    public MatchResponse Match(MatchQuery query)
    {
        long begin = time.GetTimestamp();
        if (!_results.TryTake(out MatchResult? result))
        {
            result = new MatchResult();
        }
        index.Match(query, result);
        Guid matchId = decisions.NextId();
        decisions.Keep(matchId, query, result);
        MatchResponse answer = MatchAnswer.Create(matchId.ToString("N"), query, result);
        metrics.Matched(query, result, time.GetElapsedTime(begin));
        _results.Add(result);
        return answer;
    }
}

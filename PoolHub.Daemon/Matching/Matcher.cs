using System.Collections.Concurrent;
using PoolHub.Protocol.Http;

namespace PoolHub.Daemon.Matching;

/// <summary>Answers checked queries.</summary>
internal sealed class Matcher(MatchIndex index, MatchMetrics metrics, TimeProvider time)
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
        MatchResponse answer = MatchAnswer.Create(Guid.CreateVersion7(time.GetUtcNow()).ToString("N"), query, result);
        metrics.Matched(query, result, time.GetElapsedTime(begin));
        _results.Add(result);
        return answer;
    }
}

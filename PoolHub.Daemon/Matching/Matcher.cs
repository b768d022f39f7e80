namespace PoolHub.Daemon.Matching;

/// <summary>Answers checked queries.</summary>
internal sealed class Matcher(
    MatchIndex index, HoldBook holds, DecisionLog decisions, GivenFilter given, MatchMetrics metrics, TimeProvider time)
{
    [ThreadStatic]
    private static MatchResult? t_result;

    /// <summary>Writes the answer, a <see cref="Protocol.Http.MatchResponse"/>.</summary>
    /// <param name="query">What is asked.</param>
    /// <param name="tag">Of whoever asks; it stands in the match's id.</param>
    /// <param name="answer">Where it goes.</param>
    /// <param name="ofBatch">Whether it is answered without candidates where the coordinator may hold nothing more.</param>
    /// <returns>Null, or why the coordinator may hold nothing more; then, unless it is one of a batch, nothing is written.</returns>
    public HoldQuota? Match(MatchQuery query, uint tag, JsonBuffer answer, bool ofBatch = false)
    {
        long begin = time.GetTimestamp();
        MatchResult result = t_result ??= new MatchResult();
        Guid id = decisions.NextId(tag);
        if (query.HoldMs > 0)
        {
            holds.Match(id.ToString("N"), tag, query, result);
        }
        else
        {
            holds.EndExpired();
            index.Match(query, result);
        }
        foreach (ref readonly MatchCandidate candidate in result.Candidates)
        {
            given.Add(tag, query.JobHash, candidate.IdHash);
        }
        HoldQuota? spent = result.Candidates.IsEmpty ? result.Short : null;
        if (spent is null || ofBatch)
        {
            decisions.Keep(id, query, result);
            AnswerWriter.Write(answer, id, query, result);
            metrics.Matched(query, result, time.GetElapsedTime(begin));
        }
        return spent;
    }
}

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
    public void Match(MatchQuery query, uint tag, JsonBuffer answer)
    {
        long begin = time.GetTimestamp();
        MatchResult result = t_result ??= new MatchResult();
        Guid id = decisions.NextId(tag);
        if (query.HoldMs > 0)
        {
            holds.Match(id.ToString("N"), query, result);
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
        decisions.Keep(id, query, result);
        AnswerWriter.Write(answer, id, query, result);
        metrics.Matched(query, result, time.GetElapsedTime(begin));
    }

    /// <summary>
    /// Writes all answers, in their order, as a <see cref="Protocol.Http.BatchResponse"/>. Where one of them holds, nobody
    /// else holds in between.
    /// </summary>
    public void MatchAll(MatchQuery[] queries, uint tag, JsonBuffer answers)
    {
        if (!Array.Exists(queries, query => query.HoldMs > 0))
        {
            MatchEach(queries, tag, answers);
            return;
        }
        using Lock.Scope _ = holds.Begin();
        MatchEach(queries, tag, answers);
    }

    private void MatchEach(MatchQuery[] queries, uint tag, JsonBuffer answers)
    {
        answers.Raw("""{"answers":["""u8);
        for (int i = 0; i < queries.Length; i++)
        {
            answers.Raw(i == 0 ? default : ","u8);
            Match(queries[i], tag, answers);
        }
        answers.Raw("]}"u8);
    }
}

using System.Text;
using System.Text.Json;
using PoolHub.Protocol.Http;

namespace PoolHub.Daemon.Matching;

/// <summary>
/// Writes the answer to a match, a <see cref="MatchResponse"/>: the very bytes that the serializer would make of one.
/// </summary>
internal static class AnswerWriter
{
    /// <summary>What comes before a clause's count, after that of the one before.</summary>
    private static readonly byte[][] s_clauses =
        [.. Clauses.All.Select(clause => Encoding.UTF8.GetBytes($$"""},{"clause":"{{clause.Name()}}","left":"""))];

    public static void Write(JsonBuffer json, Guid matchId, MatchQuery query, MatchResult result)
    {
        ReadOnlySpan<MatchCandidate> candidates = result.Candidates;
        json.Raw("""{"match_id":"""u8);
        json.Id(matchId);
        json.Raw(""","job_id":"""u8);
        json.Text(query.JobId);
        if (result.HeldBy is { } heldBy)
        {
            json.Raw(""","held_by":"""u8);
            json.Text(heldBy);
        }
        json.Raw(""","candidates":["""u8);
        for (int i = 0; i < candidates.Length; i++)
        {
            json.Raw(i == 0 ? default : ","u8);
            Write(json, query, in candidates[i], result.HoldMs);
        }
        json.Raw("""],"explain":"""u8);
        if (candidates.IsEmpty)
        {
            json.Text(result.Short?.ToString() ?? MatchAnswer.ExplainNobody(query, result.Left));
        }
        else
        {
            json.Raw("\""u8);
            WriteTerms(json, in candidates[0], result.Short);
            json.Raw("\""u8);
        }
        json.Raw(""","clauses":[{"clause":"online","left":"""u8);
        json.Number(result.Left(Clause.Online));
        for (Clause clause = Clause.Available; clause <= Clause.DeadlineMs; clause++)
        {
            if (query.Asks(clause))
            {
                json.Raw(s_clauses[(int)clause]);
                json.Number(result.Left(clause));
            }
        }
        json.Raw("}]}"u8);
    }

    /// <summary>A candidate's terms in a line for a person, and why there are not more candidates.</summary>
    public static void WriteTerms(JsonBuffer text, in MatchCandidate candidate, HoldQuota? cutBy)
    {
        text.Raw("cap="u8);
        text.Hundredths(candidate.CapFit);
        text.Raw(" • price="u8);
        text.Hundredths(candidate.PriceNorm);
        text.Raw(" • latency="u8);
        text.Hundredths(candidate.LatencyNorm);
        text.Raw(" • trust="u8);
        text.Hundredths(candidate.Trust);
        text.Raw(" • load="u8);
        text.Hundredths(candidate.LoadNorm);
        if (cutBy is { } quota)
        {
            text.Raw(Encoding.UTF8.GetBytes($"; no more candidates: {quota}"));
        }
    }

    private static void Write(JsonBuffer json, MatchQuery query, in MatchCandidate candidate, int holdMs)
    {
        json.Raw(RecentHeads.Of(in candidate));
        json.Number(candidate.Score);
        if (candidate.EtaMs >= 0)
        {
            json.Raw(""","eta_ms":"""u8);
            json.Number(candidate.EtaMs);
        }
        json.Raw(""","price":"""u8);
        json.Number(candidate.Price);
        if (candidate.Price != candidate.Offer.Profile.Price)
        {
            json.Raw(""","own_price":"""u8);
            json.Number(candidate.Offer.Profile.Price);
        }
        if (candidate.Degraded)
        {
            json.Raw(""","degraded":true"""u8);
        }
        if (holdMs > 0)
        {
            json.Raw(""","hold_expires_in_ms":"""u8);
            json.Number(holdMs);
        }
        if (query.ExplainFull)
        {
            json.Raw(""","breakdown":"""u8);
            json.Raw(JsonSerializer.SerializeToUtf8Bytes(MatchAnswer.Breakdown(query, in candidate), HubJson.Default.ScoreTermArray));
        }
        json.Raw("}"u8);
    }
}

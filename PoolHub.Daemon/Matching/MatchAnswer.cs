using PoolHub.Protocol.Http;

namespace PoolHub.Daemon.Matching;

/// <summary>
/// What a coordinator reads of matches beside their answers, which <see cref="AnswerWriter"/> writes.
/// </summary>
internal static class MatchAnswer
{
    /// <summary>A past match, with every breakdown.</summary>
    public static DecisionResponse Create(Decision decision)
    {
        MatchQuery query = decision.Query;
        Weights weights = query.Weights;
        MatchCandidate[] found = decision.Candidates();
        return new DecisionResponse
        {
            MatchId = decision.IdText,
            MatchedAt = decision.MatchedAt,
            Request = query.Request,
            Weights = new ScoreWeights
            {
                Cap = weights.Cap,
                Price = weights.Price,
                Latency = weights.Latency,
                Trust = weights.Trust,
                Load = weights.Load,
            },
            Candidates = Array.ConvertAll(found, candidate => ToCandidate(query, in candidate)),
            Explain = found is [] ? decision.Short?.ToString() ?? ExplainNobody(query, decision.Left) : ExplainBest(in found[0], decision.Short),
            Clauses = Counts(query, decision.Left),
        };
    }

    /// <summary>A candidate with its breakdown.</summary>
    public static Candidate ToCandidate(MatchQuery query, in MatchCandidate found) => new()
    {
        MinerId = found.Offer.MinerId,
        Addr = found.Offer.Profile.Addr,
        Proto = found.Offer.Profile.Proto,
        Score = found.Score,
        EtaMs = found.EtaMs < 0 ? null : found.EtaMs,
        Price = found.Price,
        OwnPrice = found.Price == found.Offer.Profile.Price ? null : found.Offer.Profile.Price,
        Degraded = found.Degraded ? true : null,
        Breakdown = Breakdown(query, in found),
    };

    private static ClauseCount[] Counts(MatchQuery query, Func<Clause, int> left) =>
        [.. Clauses.All.Where(query.Asks).Select(clause => new ClauseCount { Clause = clause.Name(), Left = left(clause) })];

    /// <summary>The terms in the order in which they are added up.</summary>
    public static ScoreTerm[] Breakdown(MatchQuery query, in MatchCandidate found)
    {
        Weights weights = query.Weights;
        double? capsHad = query.Capabilities.Length == 0 ? null : found.CapsHad;
        double? rttMs = found.RttMs < 0 ? null : found.RttMs;
        return
        [
            Term("cap", capsHad, found.CapFit, weights.Cap),
            Term("price", (double)found.Price.Tokens, found.PriceNorm, weights.Price),
            Term("latency", rttMs, found.LatencyNorm, weights.Latency),
            Term("trust", found.Trust, found.Trust, weights.Trust),
            Term("load", found.Load, found.LoadNorm, weights.Load),
        ];
    }

    private static ScoreTerm Term(string name, double? raw, double norm, double weight) =>
        new() { Term = name, Raw = raw, Norm = norm, Weight = weight, Contribution = weight * norm };

    private static string ExplainBest(in MatchCandidate best, HoldQuota? cutBy)
    {
        JsonBuffer text = JsonBuffer.Rent();
        AnswerWriter.WriteTerms(text, in best, cutBy);
        string terms = text.ToString();
        text.Return();
        return terms;
    }

    /// <summary>Names the clause that emptied the list, with the counts before and after it.</summary>
    public static string ExplainNobody(MatchQuery query, Func<Clause, int> left)
    {
        int before = 0;
        foreach (Clause clause in Clauses.All)
        {
            if (!query.Asks(clause))
            {
                continue;
            }
            int after = left(clause);
            if (after == 0)
            {
                return clause == Clause.Online ? "nobody is online" : $"nobody left after {clause.Name()} ({before} → 0)";
            }
            before = after;
        }
        // A miner was removed between the count and the answer.
        return "nobody left";
    }
}

using System.Globalization;
using PoolHub.Protocol;
using PoolHub.Protocol.Http;

namespace PoolHub.Daemon.Matching;

/// <summary>Turns a result into the answer that a coordinator reads.</summary>
internal static class MatchAnswer
{
    public static MatchResponse Create(string matchId, MatchQuery query, MatchResult result)
    {
        ReadOnlySpan<MatchCandidate> found = result.Candidates;
        var candidates = new Candidate[found.Length];
        for (int i = 0; i < found.Length; i++)
        {
            candidates[i] = ToCandidate(query, in found[i], query.ExplainFull, result.HoldMs);
        }
        return new MatchResponse
        {
            MatchId = matchId,
            JobId = query.JobId,
            Candidates = candidates,
            Explain = found.IsEmpty ? ExplainNobody(query, result.Left) : ExplainBest(in found[0]),
            Clauses = Counts(query, result.Left),
        };
    }

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
            Candidates = Array.ConvertAll(found, candidate => ToCandidate(query, in candidate, full: true)),
            Explain = found is [] ? ExplainNobody(query, decision.Left) : ExplainBest(in found[0]),
            Clauses = Counts(query, decision.Left),
        };
    }

    /// <param name="query">The query.</param>
    /// <param name="found">Whom it found.</param>
    /// <param name="full">Whether with the breakdown.</param>
    /// <param name="holdMs">For how long its slot is held; 0: it is not.</param>
    public static Candidate ToCandidate(MatchQuery query, in MatchCandidate found, bool full, int holdMs = 0) => new()
    {
        MinerId = found.Offer.MinerId,
        Addr = found.Offer.Profile.Addr,
        Proto = found.Offer.Profile.Proto,
        Score = found.Score,
        EtaMs = found.EtaMs < 0 ? null : found.EtaMs,
        Price = found.Price,
        Degraded = found.Degraded ? true : null,
        HoldExpiresInMs = holdMs > 0 ? holdMs : null,
        Breakdown = full ? Breakdown(query, in found) : null,
    };

    private static ClauseCount[] Counts(MatchQuery query, Func<Clause, int> left) =>
        [.. Clauses.All.Where(query.Asks).Select(clause => new ClauseCount { Clause = clause.Name(), Left = left(clause) })];

    /// <summary>The terms in the order in which they are added up.</summary>
    private static ScoreTerm[] Breakdown(MatchQuery query, in MatchCandidate found)
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

    private static string ExplainBest(in MatchCandidate best) => string.Create(
        CultureInfo.InvariantCulture,
        $"cap={best.CapFit:0.00} • price={best.PriceNorm:0.00} • latency={best.LatencyNorm:0.00} • trust={best.Trust:0.00} • load={best.LoadNorm:0.00}");

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

using System.Globalization;
using PoolHub.Protocol.Http;

namespace PoolHub.Daemon.Matching;

/// <summary>What a diagnosis says to a person, in one line.</summary>
internal static class ExplainText
{
    /// <summary>Who passes, or which clause left nobody; then what would find more.</summary>
    public static string Whole(MatchQuery query, Diagnosis diagnosis, Relaxation[] relaxations)
    {
        string head = diagnosis.Passing > 0
            ? $"{Miners(diagnosis.Passing)} of {diagnosis.Clauses.First().Left} {(diagnosis.Passing == 1 ? "passes" : "pass")}, {query.TopK} asked for"
            : MatchAnswer.ExplainNobody(query, LeftOf(diagnosis));
        return relaxations.Length == 0 ? head : $"{head}; {string.Join("; ", relaxations.Select(relaxation => relaxation.Text))}";
    }

    /// <summary><c>max_price 0.8 → 0.82: 14</c>.</summary>
    public static string Relaxed(ClauseRule rule, ClauseValue from, ClauseValue? to, int found) => rule.Waits
        ? string.Create(CultureInfo.InvariantCulture, $"wait for {rule.Clause.Name()}: {found}")
        : string.Create(CultureInfo.InvariantCulture, $"{rule.Clause.Name()} {from} → {to?.ToString() ?? "any"}: {found}");

    public static string Failed(string minerId, FailedClause[] failed) =>
        $"{minerId} fails {string.Join("; ", failed.Select(clause => $"{clause.Clause}: has {clause.Value}, wanted {clause.Wanted}"))}";

    /// <summary>Its place, and which terms put the winner ahead of it, the heaviest first.</summary>
    public static string Ranked(MatchQuery query, Candidate miner, Candidate winner, int rank, int passing)
    {
        string place = string.Create(
            CultureInfo.InvariantCulture,
            $"{miner.MinerId} passes and has place {rank} of {passing}, {query.TopK} asked for");
        if (rank == 1)
        {
            return place;
        }
        if (miner.Degraded is true && winner.Degraded is null)
        {
            return $"{place}; it is degraded, and healthy miners come first";
        }
        IEnumerable<string> ahead = winner.Breakdown!.Zip(miner.Breakdown!)
            .Select(pair => (pair.First.Term, Lead: pair.First.Contribution - pair.Second.Contribution))
            .Where(term => term.Lead > 0)
            .OrderByDescending(term => term.Lead)
            .Select(term => string.Create(CultureInfo.InvariantCulture, $"{term.Term} +{term.Lead:0.0000}"));
        return winner.Score == miner.Score
            ? $"{place}; {winner.MinerId} has the same score and comes first by free slots or by the job's order"
            : string.Create(
                CultureInfo.InvariantCulture,
                $"{place}; {winner.MinerId} leads by {winner.Score - miner.Score:0.0000}: {string.Join(", ", ahead)}");
    }

    private static string Miners(int count) => count == 1 ? "1 miner" : string.Create(CultureInfo.InvariantCulture, $"{count} miners");

    private static Func<Clause, int> LeftOf(Diagnosis diagnosis) =>
        clause => diagnosis.Clauses.First(counted => counted.Rule.Clause == clause).Left;
}

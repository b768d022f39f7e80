using PoolHub.Protocol;
using PoolHub.Protocol.Http;

namespace PoolHub.Daemon.Matching;

/// <summary>A miner that has registered at some time.</summary>
/// <param name="Slot">Its slot in the index; negative while it is offline.</param>
/// <param name="Profile">As it registered.</param>
/// <param name="Unavailable">Why it is not to be offered, when it is not.</param>
internal sealed record MinerPlace(int Slot, MinerProfile Profile, string Unavailable);

/// <summary>Says why a request finds whom it finds, and why it does not find a miner. Holds nothing.</summary>
/// <param name="index">The index.</param>
/// <param name="find">A miner by its id; null when none has registered under it.</param>
/// <param name="time">Dates the answers.</param>
internal sealed class Explainer(MatchIndex index, Func<string, MinerPlace?> find, TimeProvider time)
{
    private const string Now = "now";
    private const string AtMatch = "match";

    public ExplainResponse Explain(MatchQuery query)
    {
        DateTimeOffset now = time.GetUtcNow();
        var diagnosis = new Diagnosis(index, query);
        Relaxation[] relaxations = [.. diagnosis.Clauses.SelectMany(clause => Relax(query, diagnosis.Passing, clause.Rule, clause.Steps))];
        return new ExplainResponse
        {
            JobId = query.JobId,
            EvaluatedAt = now,
            Passing = diagnosis.Passing,
            Candidates = [.. diagnosis.Best.Select(found => MatchAnswer.ToCandidate(query, in found))],
            Clauses = [.. diagnosis.Clauses.Select(clause => new ExplainedClause
            {
                Clause = clause.Rule.Clause.Name(),
                Wanted = clause.Rule.Wanted(query),
                Left = clause.Left,
                Alone = clause.Steps.Sum(step => step.Miners),
            })],
            Relaxations = relaxations,
            Text = ExplainText.Whole(query, diagnosis, relaxations),
        };
    }

    /// <summary>Null when there is no such miner.</summary>
    public WhyNotResponse? WhyNot(MatchQuery query, string minerId)
    {
        if (find(minerId) is not { } place)
        {
            return null;
        }
        DateTimeOffset now = time.GetUtcNow();
        // The slot may have gone to another miner since it was found.
        MinerState? found = place.Slot >= 0 ? Diagnosis.Find(index, place.Slot) : null;
        FailedClause[] failed = found is { } live && live.Offer.MinerId == minerId
            ? [.. Failed(query, live, place.Unavailable)]
            : [.. FailedOffline(query, minerId, place.Profile)];
        if (failed.Length > 0)
        {
            return new WhyNotResponse
            {
                MinerId = minerId,
                JobId = query.JobId,
                Basis = Now,
                EvaluatedAt = now,
                Failed = failed,
                Text = ExplainText.Failed(minerId, failed),
            };
        }
        var diagnosis = new Diagnosis(index, query, found);
        return Ranked(query, diagnosis.Subject!.Value, diagnosis.Best[0], diagnosis.Rank, diagnosis.Passing, Now, now);
    }

    /// <summary>
    /// The same for a past match: as it saw the miner when that is among its candidates, else as it is now. Null when
    /// there is no such miner.
    /// </summary>
    public WhyNotResponse? WhyNot(Decision decision, string minerId)
    {
        MatchCandidate[] candidates = decision.Candidates();
        int at = Array.FindIndex(candidates, candidate => candidate.Offer.MinerId == minerId);
        if (at < 0)
        {
            return WhyNot(decision.Query, minerId) is { } answer
                ? answer with { MatchId = decision.IdText, Text = $"{answer.Text} (as of now: it was not among that match's candidates)" }
                : null;
        }
        return Ranked(decision.Query, candidates[at], candidates[0], at + 1, decision.Passing, AtMatch, decision.MatchedAt) with
        {
            MatchId = decision.IdText,
        };
    }

    /// <summary>
    /// The nearest relaxation that finds anybody more, and, if that is fewer than were asked for, the nearest that
    /// finds enough, or all there are.
    /// </summary>
    private static IEnumerable<Relaxation> Relax(
        MatchQuery query, int passing, ClauseRule rule, IReadOnlyCollection<(ClauseValue? To, int Miners)> steps)
    {
        int found = passing;
        int number = 0;
        foreach ((ClauseValue? to, int miners) in steps)
        {
            found += miners;
            number++;
            bool enough = found >= query.TopK || number == steps.Count;
            if (number == 1 || enough)
            {
                ClauseValue from = rule.Wanted(query);
                yield return new Relaxation
                {
                    Clause = rule.Clause.Name(),
                    From = from,
                    To = to,
                    Wait = rule.Waits ? true : null,
                    Found = found,
                    Text = ExplainText.Relaxed(rule, from, to, found),
                };
            }
            if (enough)
            {
                yield break;
            }
        }
    }

    private static IEnumerable<FailedClause> Failed(MatchQuery query, MinerState miner, string unavailable) => ClauseRule.All
        .Where(rule => query.Asks(rule.Clause) && !rule.Passes(query, miner))
        .Select(rule => Failure(rule, query, rule.Clause == Clause.Available ? ClauseValue.Of(unavailable) : rule.Value(query, miner)));

    /// <summary>What can be said of a miner that is offline: that it is, and what its last profile does not offer.</summary>
    private static IEnumerable<FailedClause> FailedOffline(MatchQuery query, string minerId, MinerProfile profile)
    {
        var last = new MinerState { Offer = new Offer(minerId, profile), PriceE8 = profile.Price.E8, MaxParallel = profile.MaxParallel };
        return ClauseRule.All
            .Where(rule => rule.OfProfile && query.Asks(rule.Clause) && !rule.Passes(query, last))
            .Select(rule => Failure(rule, query, rule.Value(query, last)))
            .Prepend(Failure(ClauseRule.All[(int)Clause.Online], query, ClauseValue.Of("offline")));
    }

    private static FailedClause Failure(ClauseRule rule, MatchQuery query, ClauseValue value) =>
        new() { Clause = rule.Clause.Name(), Value = value, Wanted = rule.Wanted(query) };

    private static WhyNotResponse Ranked(
        MatchQuery query, MatchCandidate subject, MatchCandidate winner, int rank, int passing, string basis, DateTimeOffset at)
    {
        Candidate miner = MatchAnswer.ToCandidate(query, in subject);
        Candidate first = MatchAnswer.ToCandidate(query, in winner);
        return new WhyNotResponse
        {
            MinerId = miner.MinerId,
            JobId = query.JobId,
            Basis = basis,
            EvaluatedAt = at,
            Failed = [],
            Rank = rank,
            Passing = passing,
            Miner = miner,
            Winner = first,
            Text = ExplainText.Ranked(query, miner, first, rank, passing),
        };
    }
}

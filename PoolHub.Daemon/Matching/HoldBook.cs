namespace PoolHub.Daemon.Matching;

/// <summary>
/// Who holds slots of whom: short claims made inside a match, so that no slot is sold twice. Every hold ends exactly
/// once. How many slots of a miner are held is always written to the index from the set of its holds.
/// <para>
/// One lock serialises matches that hold, with their selection, and every end of a hold. It is taken after the
/// registry's and before the index's. A match without holds takes it only when a hold has expired that nobody has ended
/// yet, since expiry is exact to the clock, not to the sweep.
/// </para>
/// </summary>
internal sealed class HoldBook(MatchIndex index, TimeProvider time)
{
    /// <summary>Selections of one match whose candidates filled up or left before they were held; then it goes without them.</summary>
    private const int MaxTries = 8;

    /// <summary>So many are ended together at most where nothing else bounds them: nobody waits for longer.</summary>
    private const int MostTogether = 256;

    private readonly Lock _gate = new();
    private readonly KnownMatches _matches = new();
    private readonly LiveHolds _live = new(index, time);
    private readonly long[] _ended = new long[Enum.GetValues<HoldEnd>().Length];
    private long _granted;

    /// <summary>How many holds there are; one that has expired counts until somebody looks.</summary>
    public int Live => _live.Expiry.Count;

    /// <summary>What each coordinator may hold; counts from the next match on.</summary>
    public HoldShare Share { get; set; } = HoldShare.All;

    /// <summary>How many holds have ended so since the start.</summary>
    public long Ended(HoldEnd reason) => Volatile.Read(ref _ended[(int)reason]);

    /// <summary>How many slots the coordinator with this tag holds.</summary>
    public int HeldBy(uint tag)
    {
        lock (_gate)
        {
            return _live.OfTag(tag).Count;
        }
    }

    /// <summary>
    /// Finds the best candidates and holds one slot of each for <see cref="MatchQuery.HoldMs"/>, which is more than 0. A
    /// job for which an earlier match of the coordinator holds something is not held for twice:
    /// <see cref="MatchResult.HeldBy"/> says which match it is. Who may hold no more gets fewer candidates, and
    /// <see cref="MatchResult.Short"/> says so.
    /// </summary>
    /// <param name="matchId">The match.</param>
    /// <param name="tag">Of the coordinator whose it is.</param>
    /// <param name="query">What is asked.</param>
    /// <param name="result">What was found.</param>
    public void Match(string matchId, uint tag, MatchQuery query, MatchResult result)
    {
        lock (_gate)
        {
            Expire();
            if (Settle(_live.OfJob(tag, query.JobId)) is { Live.Count: > 0 } earlier)
            {
                index.Match(query, result);
                result.HeldBy = earlier.MatchId;
                Enter(new HoldingMatch(matchId, tag, query, []), []);
                return;
            }
            HoldQuota quota = Share.Of(index.Parallel, _live.OfTag(tag).Count);
            int tries = 0;
            do
            {
                index.Match(query, result);
                result.Cut(quota);
            }
            while (!_live.TryCount(result, mayDrop: ++tries == MaxTries));
            Enter(new HoldingMatch(matchId, tag, query, result.Candidates), result.Candidates);
            result.HoldMs = query.HoldMs;
        }
    }

    /// <summary>Ends what has expired, or some of it where that is much, and waits for nobody: who is at the book does as much.</summary>
    public void EndExpired()
    {
        if (_live.Expiry.IsDue && _gate.TryEnter())
        {
            Expire();
            _gate.Exit();
        }
    }

    /// <summary>Ends all that has expired; others have their turn in between.</summary>
    public void EndAllExpired()
    {
        while (_live.Expiry.IsDue)
        {
            lock (_gate)
            {
                Expire();
            }
        }
    }

    /// <summary>Gives a match's holds back.</summary>
    /// <param name="matchId">The match.</param>
    /// <param name="minerId">Only that of this miner; null: all.</param>
    /// <param name="released">How many there still were.</param>
    public HoldFault Release(string matchId, string? minerId, out int released)
    {
        lock (_gate)
        {
            HoldFault fault = Find(matchId, minerId, out List<Hold> holds);
            released = holds.Count;
            End(holds, HoldEnd.Release);
            return fault == HoldFault.Ended ? HoldFault.None : fault;
        }
    }

    /// <summary>Gives back what a filter admits; other calls have their turn in between. Returns how many.</summary>
    public int Release(HoldFilter filter)
    {
        int released = 0;
        for (long? after = 0; after is { } number;)
        {
            lock (_gate)
            {
                Expire();
                List<Hold> holds = [];
                after = Look(filter, number, MostTogether, holds);
                End(holds, HoldEnd.Release);
                released += holds.Count;
            }
        }
        return released;
    }

    /// <summary>What a filter admits, in the order in which it was made.</summary>
    /// <param name="filter">Which are meant.</param>
    /// <param name="after">What the page before gave; 0 for the first.</param>
    /// <param name="limit">How many are looked at.</param>
    /// <param name="next">Where the next page begins; null when this is the last.</param>
    public LiveHold[] List(HoldFilter filter, long after, int limit, out long? next)
    {
        lock (_gate)
        {
            Expire();
            List<Hold> holds = [];
            next = Look(filter, after, limit, holds);
            return [.. holds.Select(_live.View)];
        }
    }

    /// <summary>Makes a match's holds last from now on.</summary>
    /// <param name="matchId">The match.</param>
    /// <param name="minerId">Only that of this miner; null: all that have not ended.</param>
    /// <param name="holdMs">For how long; null: as long as the match asked for.</param>
    /// <param name="renewed">Which they are, best candidate first.</param>
    /// <param name="ended">Those of the same that have ended.</param>
    public HoldFault Renew(string matchId, string? minerId, int? holdMs, out LiveHold[] renewed, out EndedHold[] ended)
    {
        lock (_gate)
        {
            HoldFault fault = Find(matchId, minerId, out List<Hold> holds);
            holds.ForEach(hold => _live.Expiry.Put(hold, holdMs ?? hold.Match.HoldMs));
            renewed = [.. holds.Select(_live.View)];
            ended = _matches.Find(matchId)?.Ended(minerId) ?? [];
            return fault;
        }
    }

    /// <summary>
    /// What became of a job at a miner ends holds of the coordinator with this tag: that of the miner, or, when the miner
    /// has taken the job, all of its match. Returns how many.
    /// </summary>
    /// <param name="matchId">The match; null: that which holds for the job.</param>
    /// <param name="jobId">The job; a match of another job is left alone.</param>
    /// <param name="minerId">The miner; a match that did not give it is left alone.</param>
    /// <param name="taken">Whether the miner has taken the job or done it.</param>
    /// <param name="tag">Of who reports; a match of another is left alone.</param>
    public int EndByFeedback(string? matchId, string jobId, string minerId, bool taken, uint tag)
    {
        lock (_gate)
        {
            Expire();
            HoldingMatch? match = Settle(matchId is null ? _live.OfJob(tag, jobId) : _matches.Find(matchId));
            if (match is null || match.Tag != tag || match.JobId != jobId || !match.Gave(minerId))
            {
                return 0;
            }
            Hold[] holds = [.. match.Live.Where(h => taken || h.MinerId == minerId)];
            End(holds, HoldEnd.Feedback);
            return holds.Length;
        }
    }

    /// <summary>
    /// Ends the holds on what a miner offers no more: all when it has left the index, else those that are older than the
    /// profile that it has now. Called after the index was changed, under the lock that guards the miner's slot.
    /// </summary>
    public void EndStale(string minerId, int slot)
    {
        // A slot is counted before its hold is entered, and none is counted for an offer that has gone.
        if (index.Held.CountAt(slot) == 0)
        {
            return;
        }
        lock (_gate)
        {
            Expire();
            Offer? offered = index.Held.OfferAt(slot);
            End([.. _live.OfMiner(minerId).All.Where(h => h.Offer != offered)], HoldEnd.Gone);
        }
    }

    /// <summary>
    /// Ends the holds whose slots a miner's new profile has no more, the latest first; the others are on that profile from
    /// then on. Called like <see cref="EndStale"/>, for a miner whose session goes on.
    /// </summary>
    /// <param name="minerId">The miner.</param>
    /// <param name="slot">Its slot.</param>
    /// <param name="slotsBefore">How many jobs it ran at once by the profile before.</param>
    /// <param name="slotsNow">How many it runs now.</param>
    /// <param name="load">How many of them it is busy with, as it says.</param>
    public void Shrink(string minerId, int slot, int slotsBefore, int slotsNow, int load)
    {
        if (index.Held.CountAt(slot) == 0)
        {
            return;
        }
        lock (_gate)
        {
            Expire();
            if (index.Held.OfferAt(slot) is not { } offered)
            {
                return;
            }
            End([.. _live.OfMiner(minerId).All.Where(_live.Expiry.IsOver)], HoldEnd.Expiry);
            Hold[] holds = [.. _live.OfMiner(minerId).LatestFirst];
            int surplus = Math.Clamp(holds.Length + load - slotsNow, 0, Math.Clamp(slotsBefore - slotsNow, 0, holds.Length));
            End(holds[..surplus], HoldEnd.Shrunk);
            Array.ForEach(holds[surplus..], hold => hold.Offer = offered);
        }
    }

    /// <summary>Takes a miner's holds along to the slot that it has moved to, entered as held. Called like <see cref="EndStale"/>.</summary>
    public void Move(string minerId, int slot)
    {
        lock (_gate)
        {
            _live.Move(minerId, slot);
        }
    }

    /// <summary>Enters a match, and the holds whose slots have been counted.</summary>
    private void Enter(HoldingMatch match, ReadOnlySpan<MatchCandidate> candidates)
    {
        _matches.Add(match);
        foreach (ref readonly MatchCandidate candidate in candidates)
        {
            _live.Enter(new Hold(match, in candidate, ++_granted), match.HoldMs);
        }
        if (match.Live.Count == 0)
        {
            _matches.NoteOver(match);
        }
    }

    private void Expire()
    {
        for (int i = 0; i < MostTogether && _live.Expiry.Due() is { } hold; i++)
        {
            End(hold, HoldEnd.Expiry);
        }
    }

    private void End(IEnumerable<Hold> holds, HoldEnd reason) => Array.ForEach([.. holds], hold => End(hold, reason));

    private void End(Hold hold, HoldEnd reason)
    {
        Volatile.Write(ref _ended[(int)reason], _ended[(int)reason] + 1);
        _live.Leave(hold, reason);
        if (hold.Match.Live.Count == 0)
        {
            _matches.NoteOver(hold.Match);
        }
    }

    private long? Look(HoldFilter filter, long after, int limit, List<Hold> into) =>
        _live.Look(filter, filter.MatchId is { } matchId ? _matches.Find(matchId) : null, after, limit, into);

    /// <summary>The live holds of a match, or of one of its miners.</summary>
    private HoldFault Find(string matchId, string? minerId, out List<Hold> holds)
    {
        Expire();
        holds = [];
        return Settle(_matches.Find(matchId))?.Find(minerId, out holds) ?? HoldFault.UnknownMatch;
    }

    /// <summary>Ends what has expired of a match: where much has, not all of it has been ended yet.</summary>
    private HoldingMatch? Settle(HoldingMatch? match)
    {
        End(match?.Live.FindAll(_live.Expiry.IsOver) ?? [], HoldEnd.Expiry);
        return match;
    }
}

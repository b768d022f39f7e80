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
    /// <summary>How many matches are remembered after the last of their holds has ended.</summary>
    public const int Remembered = 10_000;

    /// <summary>Selections of one match whose candidates filled up or left before they were held; then it goes without them.</summary>
    private const int MaxTries = 8;

    private readonly Lock _gate = new();
    private readonly HoldExpiry _expiry = new(time);
    private readonly KnownMatches _matches = new();

    /// <summary>What is live, by job and by miner.</summary>
    private readonly KeyedSets<HoldingMatch> _byJob = new();
    private readonly KeyedSets<Hold> _byMiner = new();

    private readonly long[] _ended = new long[Enum.GetValues<HoldEnd>().Length];
    private long _granted;

    /// <summary>How many holds there are; one that has expired counts until somebody looks.</summary>
    public int Live => _expiry.Count;

    /// <summary>How many holds have ended so since the start.</summary>
    public long Ended(HoldEnd reason) => Volatile.Read(ref _ended[(int)reason]);

    /// <summary>
    /// Finds the best candidates and holds one slot of each for <see cref="MatchQuery.HoldMs"/>, which is more than 0.
    /// </summary>
    public void Match(string matchId, MatchQuery query, MatchResult result)
    {
        lock (_gate)
        {
            Expire();
            int tries = 0;
            do
            {
                index.Match(query, result);
            }
            while (!TryHold(result, mayDrop: ++tries == MaxTries));
            Enter(matchId, query, result);
            result.HoldMs = query.HoldMs;
        }
    }

    /// <summary>Until it is disposed, nobody else holds slots or ends holds: what this thread holds is one transaction.</summary>
    public Lock.Scope Begin() => _gate.EnterScope();

    /// <summary>Ends what has expired.</summary>
    public void EndExpired()
    {
        if (_expiry.IsDue)
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

    /// <summary>Makes a match's holds last from now on.</summary>
    /// <param name="matchId">The match.</param>
    /// <param name="minerId">Only that of this miner; null: all that have not ended.</param>
    /// <param name="holdMs">For how long; null: as long as the match asked for.</param>
    /// <param name="renewed">Which they are, best candidate first.</param>
    public HoldFault Renew(string matchId, string? minerId, int? holdMs, out RenewedHold[] renewed)
    {
        lock (_gate)
        {
            HoldFault fault = Find(matchId, minerId, out List<Hold> holds);
            renewed = new RenewedHold[holds.Count];
            for (int i = 0; i < renewed.Length; i++)
            {
                int lastsMs = holdMs ?? holds[i].Match.HoldMs;
                _expiry.Put(holds[i], lastsMs);
                renewed[i] = new RenewedHold(holds[i].MinerId, lastsMs);
            }
            return fault;
        }
    }

    /// <summary>
    /// What became of a job at a miner ends holds: that of the miner, or, when the miner has taken the job, all of its
    /// match. Returns how many.
    /// </summary>
    /// <param name="matchId">The match; null: every match of the job that gave this miner.</param>
    /// <param name="jobId">The job; a match of another job is left alone.</param>
    /// <param name="minerId">The miner.</param>
    /// <param name="taken">Whether the miner has taken the job or done it.</param>
    /// <param name="isAnothers">Whether the tag in a match's id is of another than who reports; that one is left alone.</param>
    public int EndByFeedback(string? matchId, string jobId, string minerId, bool taken, Func<uint?, bool> isAnothers)
    {
        lock (_gate)
        {
            Expire();
            IEnumerable<HoldingMatch> matches = matchId is null
                ? _byJob.Of(jobId)
                : _matches.Find(matchId) is { } match && match.JobId == jobId ? [match] : [];
            Hold[] holds = [.. matches
                .Where(m => m.Gave(minerId) && !isAnothers(m.Tag))
                .SelectMany(m => m.Live)
                .Where(h => taken || h.MinerId == minerId)];
            End(holds, HoldEnd.Feedback);
            return holds.Length;
        }
    }

    /// <summary>
    /// Whether what is said of a job at a miner is for another to say: its id says so of the match; or, where that is none
    /// of a match which gave this miner, all that hold it for the job are of others.
    /// </summary>
    public bool IsAnothers(string? matchId, string jobId, string minerId, Func<uint?, bool> isAnothers)
    {
        if (matchId is not null && isAnothers(DecisionLog.TagOf(matchId)))
        {
            return true;
        }
        lock (_gate)
        {
            Expire();
            if (matchId is not null && _matches.Find(matchId) is { } named && named.JobId == jobId && named.Gave(minerId))
            {
                return false;
            }
            HoldingMatch[] holding = [.. _byJob.Of(jobId).Where(m => m.Live.Exists(h => h.MinerId == minerId))];
            return holding.Length > 0 && Array.TrueForAll(holding, m => isAnothers(m.Tag));
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
            End([.. _byMiner.Of(minerId).Where(h => h.Offer != offered)], HoldEnd.Gone);
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
            Hold[] holds = [.. _byMiner.Of(minerId).OrderByDescending(h => h.Number)];
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
            foreach (Hold hold in _byMiner.Of(minerId))
            {
                hold.Slot = slot;
            }
            NoteHeld(slot, minerId);
        }
    }

    /// <summary>Counts a slot of every candidate as held, or of none.</summary>
    /// <param name="result">The candidates.</param>
    /// <param name="mayDrop">Whether those that cannot be held are left out instead.</param>
    private bool TryHold(MatchResult result, bool mayDrop)
    {
        for (int i = 0; i < result.Candidates.Length; i++)
        {
            ref readonly MatchCandidate candidate = ref result.Candidates[i];
            if (index.Held.TryHold(candidate.Slot, candidate.Offer))
            {
                continue;
            }
            if (mayDrop)
            {
                result.Drop(i--);
                continue;
            }
            foreach (ref readonly MatchCandidate counted in result.Candidates[..i])
            {
                NoteHeld(counted.Slot, counted.Offer.MinerId);
            }
            return false;
        }
        return true;
    }

    /// <summary>Enters the holds whose slots have been counted.</summary>
    private void Enter(string matchId, MatchQuery query, MatchResult result)
    {
        string[] minerIds = new string[result.Candidates.Length];
        var match = new HoldingMatch(matchId, query.JobId, query.HoldMs, minerIds);
        _matches.Add(match);
        for (int i = 0; i < minerIds.Length; i++)
        {
            ref readonly MatchCandidate candidate = ref result.Candidates[i];
            minerIds[i] = candidate.Offer.MinerId;
            var hold = new Hold(match, candidate.Offer, candidate.Slot, ++_granted);
            match.Live.Add(hold);
            _byMiner.Add(hold.MinerId, hold);
            _expiry.Put(hold, query.HoldMs);
        }
        if (minerIds.Length > 0)
        {
            _byJob.Add(match.JobId, match);
        }
        else
        {
            _matches.NoteOver(match);
        }
    }

    private void Expire()
    {
        while (_expiry.Due() is { } hold)
        {
            End(hold, HoldEnd.Expiry);
        }
    }

    private void End(IReadOnlyList<Hold> holds, HoldEnd reason)
    {
        foreach (Hold hold in holds)
        {
            End(hold, reason);
        }
    }

    private void End(Hold hold, HoldEnd reason)
    {
        Volatile.Write(ref _ended[(int)reason], _ended[(int)reason] + 1);
        _expiry.Remove(hold);
        _byMiner.Remove(hold.MinerId, hold);
        NoteHeld(hold.Slot, hold.MinerId);
        HoldingMatch match = hold.Match;
        match.Live.Remove(hold);
        if (match.Live.Count == 0)
        {
            _byJob.Remove(match.JobId, match);
            _matches.NoteOver(match);
        }
    }

    /// <summary>The live holds of a match, or of one of its miners.</summary>
    private HoldFault Find(string matchId, string? minerId, out List<Hold> holds)
    {
        Expire();
        holds = [];
        return _matches.Find(matchId)?.Find(minerId, out holds) ?? HoldFault.UnknownMatch;
    }

    private void NoteHeld(int slot, string minerId) =>
        index.Held.Set(slot, minerId, _byMiner.Of(minerId).Count);
}

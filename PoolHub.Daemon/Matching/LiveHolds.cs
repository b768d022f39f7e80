using PoolHub.Protocol;

namespace PoolHub.Daemon.Matching;

/// <summary>
/// The holds that have not ended, by all that they are looked for by, and in the index how many there are of each miner.
/// Written under the book's lock.
/// </summary>
internal sealed class LiveHolds(MatchIndex index, TimeProvider time)
{
    private readonly HoldList _all = new();
    private readonly KeyedHolds<string> _byMiner = new();
    private readonly KeyedHolds<uint> _byTag = new();

    /// <summary>A coordinator's job has at most one match that holds.</summary>
    private readonly Dictionary<(uint Tag, string JobId), HoldingMatch> _byJob = [];

    public HoldExpiry Expiry { get; } = new(time);

    public HoldList OfMiner(string minerId) => _byMiner.Of(minerId);

    /// <summary>Of the coordinator with this tag.</summary>
    public HoldList OfTag(uint tag) => _byTag.Of(tag);

    /// <summary>The match that holds for this job of the coordinator; null when none does.</summary>
    public HoldingMatch? OfJob(uint tag, string jobId) => _byJob.GetValueOrDefault((tag, jobId));

    /// <summary>Enters a hold for so long from now.</summary>
    public void Enter(Hold hold, int lastsMs)
    {
        HoldingMatch match = hold.Match;
        match.Live.Add(hold);
        _all.Add(hold);
        _byMiner.Add(hold.MinerId, hold);
        _byTag.Add(match.Tag, hold);
        _byJob[(match.Tag, match.JobId)] = match;
        Expiry.Put(hold, lastsMs);
    }

    public void Leave(Hold hold, HoldEnd reason)
    {
        HoldingMatch match = hold.Match;
        match.End(hold, reason);
        _all.Remove(hold);
        _byMiner.Remove(hold.MinerId, hold);
        _byTag.Remove(match.Tag, hold);
        Expiry.Remove(hold);
        NoteHeld(hold.Slot, hold.MinerId);
        if (match.Live.Count == 0)
        {
            _byJob.Remove((match.Tag, match.JobId));
        }
    }

    /// <summary>The miner has another slot.</summary>
    public void Move(string minerId, int slot)
    {
        foreach (Hold hold in OfMiner(minerId).All)
        {
            hold.Slot = slot;
        }
        NoteHeld(slot, minerId);
    }

    /// <summary>Counts a slot of every candidate as held, or of none; they are entered next.</summary>
    /// <param name="result">The candidates.</param>
    /// <param name="mayDrop">Whether those that cannot be held are left out instead.</param>
    public bool TryCount(MatchResult result, bool mayDrop)
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

    public LiveHold View(Hold hold)
    {
        // While it is held, the miner has this slot, or leaves it this moment.
        MinerProfile profile = (index.Held.OfferAt(hold.Slot) is { } offer && offer.MinerId == hold.MinerId ? offer : hold.Offer).Profile;
        return new LiveHold(
            hold.Match, hold.MinerId, profile.Addr, profile.Proto, index.Held.PriceAt(hold.Slot), hold.MatchedPrice, profile.MaxParallel,
            hold.MatchedMaxParallel, Expiry.LeftMs(hold));
    }

    /// <summary>Takes up those that a filter admits, of so many that are looked at; gives where to go on, null at the end.</summary>
    public long? Look(HoldFilter filter, HoldingMatch? named, long after, int limit, List<Hold> into)
    {
        long last = after;
        foreach (Hold hold in Among(filter, named, after))
        {
            if (limit-- == 0)
            {
                return last;
            }
            last = hold.Number;
            if (filter.Admits(hold) && !Expiry.IsOver(hold))
            {
                into.Add(hold);
            }
        }
        return null;
    }

    /// <summary>
    /// At least those that the filter admits, in the order in which they were made, after the one of this number: the
    /// shortest list of those that hold them all.
    /// </summary>
    /// <param name="filter">Which are meant.</param>
    /// <param name="named">The match that the filter names; null when it names none that is known.</param>
    /// <param name="after">A hold's number.</param>
    private IEnumerable<Hold> Among(HoldFilter filter, HoldingMatch? named, long after)
    {
        if (filter.MatchId is not null)
        {
            return named?.Live.Where(h => h.Number > after) ?? [];
        }
        if (filter.JobId is { } jobId)
        {
            return _byTag.Keys.Where(tag => (filter.Tag ?? tag) == tag)
                .SelectMany(tag => OfJob(tag, jobId)?.Live ?? [])
                .Where(h => h.Number > after)
                .OrderBy(h => h.Number);
        }
        HoldList list = filter.MinerId is { } minerId ? OfMiner(minerId) : filter.Tag is { } of ? OfTag(of) : _all;
        return list.After(after);
    }

    private void NoteHeld(int slot, string minerId) => index.Held.Set(slot, minerId, OfMiner(minerId).Count);
}

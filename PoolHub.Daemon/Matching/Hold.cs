using PoolHub.Protocol;

namespace PoolHub.Daemon.Matching;

/// <summary>How a hold ended.</summary>
internal enum HoldEnd
{
    /// <summary>The coordinator said what became of the job.</summary>
    Feedback,
    Release,
    Expiry,

    /// <summary>The miner left, or began a new session.</summary>
    Gone,

    /// <summary>The miner's new profile has no slot for it.</summary>
    Shrunk,
}

internal static class HoldEnds
{
    public static string Name(this HoldEnd reason) => reason switch
    {
        HoldEnd.Feedback => "feedback",
        HoldEnd.Release => "release",
        HoldEnd.Expiry => "expiry",
        HoldEnd.Shrunk => "shrunk",
        _ => "gone",
    };
}

/// <summary>Why a call on a match's holds came to nothing.</summary>
internal enum HoldFault
{
    None,

    /// <summary>There is no such match, or it is long over.</summary>
    UnknownMatch,

    /// <summary>The match held no slot of this miner.</summary>
    UnknownMiner,

    /// <summary>There were holds, and all of them have ended.</summary>
    Ended,
}

/// <summary>A claim of a match on one slot of a miner. Written under the book's lock.</summary>
internal sealed class Hold(HoldingMatch match, in MatchCandidate candidate, long number)
{
    public HoldingMatch Match { get; } = match;

    /// <summary>What the miner offers, as far as the book was told: one that offers otherwise may be in a new session.</summary>
    public Offer Offer { get; set; } = candidate.Offer;
    public string MinerId { get; } = candidate.Offer.MinerId;
    public int Slot { get; set; } = candidate.Slot;

    /// <summary>What the match answered; the price may be another by now, and so may the next.</summary>
    public TokenPrice MatchedPrice { get; } = candidate.Price;
    public int MatchedMaxParallel { get; } = candidate.Offer.Profile.MaxParallel;

    /// <summary>Holds are numbered as they are made.</summary>
    public long Number { get; } = number;

    /// <summary>A timestamp of the clock: from then on it holds nothing.</summary>
    public long ExpiresAt { get; set; }
}

/// <summary>A match that asked for holds. It is known for a while after they have ended.</summary>
/// <param name="matchId">Its id.</param>
/// <param name="tag">Of the coordinator whose it is.</param>
/// <param name="query">What it asked.</param>
/// <param name="candidates">Whom it holds a slot of.</param>
internal sealed class HoldingMatch(string matchId, uint tag, MatchQuery query, ReadOnlySpan<MatchCandidate> candidates)
{
    /// <summary>Whom it held a slot of, best candidate first, and how that ended.</summary>
    private readonly (string MinerId, HoldEnd? Reason)[] _ends =
        Array.ConvertAll(candidates.ToArray(), candidate => (candidate.Offer.MinerId, (HoldEnd?)null));

    public string MatchId { get; } = matchId;
    public uint Tag { get; } = tag;
    public string JobId { get; } = query.JobId;
    public int HoldMs { get; } = query.HoldMs;

    /// <summary>Those that have not ended, best candidate first; at most one to a miner.</summary>
    public List<Hold> Live { get; } = [];

    /// <summary>Whether the miner is one of those that it held a slot of.</summary>
    public bool Gave(string minerId) => Array.Exists(_ends, end => end.MinerId == minerId);

    /// <summary>Those that have not ended: of one miner, or of all when it is null.</summary>
    public HoldFault Find(string? minerId, out List<Hold> holds)
    {
        holds = Live.FindAll(h => minerId is null || h.MinerId == minerId);
        return minerId is not null && !Gave(minerId) ? HoldFault.UnknownMiner
            : holds.Count > 0 ? HoldFault.None
            : HoldFault.Ended;
    }

    public void End(Hold hold, HoldEnd reason)
    {
        Live.Remove(hold);
        _ends[Array.FindIndex(_ends, end => end.MinerId == hold.MinerId)].Reason = reason;
    }

    /// <summary>Those that have ended: of one miner, or of all when it is null.</summary>
    public EndedHold[] Ended(string? minerId) =>
        [.. _ends.Where(e => e.Reason is not null && (minerId ?? e.MinerId) == e.MinerId).Select(e => new EndedHold(e.MinerId, e.Reason!.Value))];
}

/// <summary>A hold that goes on: what the match answered, and what is so now.</summary>
internal readonly record struct LiveHold(
    HoldingMatch Match, string MinerId, string Addr, string Proto, TokenPrice Price, TokenPrice MatchedPrice, int MaxParallel,
    int MatchedMaxParallel, int ExpiresInMs);

/// <summary>A hold that has ended.</summary>
internal readonly record struct EndedHold(string MinerId, HoldEnd Reason);

/// <summary>Which holds are meant: those that are all that is not null here.</summary>
internal sealed record HoldFilter(uint? Tag = null, string? JobId = null, string? MinerId = null, string? MatchId = null)
{
    public bool Admits(Hold hold) =>
        (Tag ?? hold.Match.Tag) == hold.Match.Tag && (JobId ?? hold.Match.JobId) == hold.Match.JobId
        && (MinerId ?? hold.MinerId) == hold.MinerId && (MatchId ?? hold.Match.MatchId) == hold.Match.MatchId;
}

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
internal sealed class Hold(HoldingMatch match, Offer offer, int slot, long number)
{
    public HoldingMatch Match { get; } = match;

    /// <summary>What the miner offers, as far as the book was told: one that offers otherwise may be in a new session.</summary>
    public Offer Offer { get; set; } = offer;
    public string MinerId { get; } = offer.MinerId;
    public int Slot { get; set; } = slot;

    /// <summary>Tells holds apart that expire together.</summary>
    public long Number { get; } = number;

    /// <summary>A timestamp of the clock: from then on it holds nothing.</summary>
    public long ExpiresAt { get; set; }
}

/// <summary>A match that asked for holds. It is known for a while after they have ended.</summary>
internal sealed class HoldingMatch(string matchId, string jobId, int holdMs, string[] minerIds)
{
    public string MatchId { get; } = matchId;
    public uint? Tag { get; } = DecisionLog.TagOf(matchId);
    public string JobId { get; } = jobId;
    public int HoldMs { get; } = holdMs;

    /// <summary>Those that have not ended, best candidate first; at most one to a miner.</summary>
    public List<Hold> Live { get; } = [];

    /// <summary>Whether the miner is one of those that it held a slot of.</summary>
    public bool Gave(string minerId) => minerIds.Contains(minerId);

    /// <summary>Those that have not ended: of one miner, or of all when it is null.</summary>
    public HoldFault Find(string? minerId, out List<Hold> holds)
    {
        holds = Live.FindAll(h => minerId is null || h.MinerId == minerId);
        return minerId is not null && !Gave(minerId) ? HoldFault.UnknownMiner
            : holds.Count > 0 ? HoldFault.None
            : HoldFault.Ended;
    }
}

/// <summary>A hold that was renewed, and for how long still.</summary>
internal readonly record struct RenewedHold(string MinerId, int ExpiresInMs);

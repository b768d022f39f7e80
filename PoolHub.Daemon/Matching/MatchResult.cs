namespace PoolHub.Daemon.Matching;

/// <summary>
/// An answer, and the space to work it out in. Made to be used again; belongs to one match at a time.
/// </summary>
internal sealed class MatchResult
{
    private readonly int[] _left = new int[Clauses.Count];

    /// <summary>Best first.</summary>
    public ReadOnlySpan<MatchCandidate> Candidates => Best.Arrange();

    /// <summary>For how long a slot of each candidate is held; 0 when none is.</summary>
    public int HoldMs { get; set; }

    /// <summary>The match of the same coordinator that holds for this job, so that this one does not; null when none does.</summary>
    public string? HeldBy { get; set; }

    /// <summary>Why there are fewer candidates than there could be: the coordinator may hold no more. Null when that is not so.</summary>
    public HoldQuota? Short { get; private set; }

    /// <summary>Where the search puts what it finds, and works.</summary>
    public TopCandidates Best { get; } = new();
    public SegmentScan Scan { get; } = new();
    public RepeatedSearches Repeated { get; } = new();

    /// <summary>How many miners passed this clause and those before it; meaningless for a clause not asked.</summary>
    public int Left(Clause clause) => _left[(int)clause];

    /// <param name="left">By clause; see <see cref="Left"/>.</param>
    public void Complete(ReadOnlySpan<int> left)
    {
        (HoldMs, HeldBy, Short) = (0, null, null);
        left.CopyTo(_left);
    }

    /// <summary>Leaves those out of a complete answer that the coordinator may not hold, the worst of them.</summary>
    public void Cut(HoldQuota quota)
    {
        while (Best.Count > quota.Left)
        {
            Best.RemoveAt(Best.Count - 1);
            Short = quota;
        }
    }

    /// <summary>Leaves a candidate out of a complete answer.</summary>
    public void Drop(int place) => Best.RemoveAt(place);
}

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

    /// <summary>Where the search puts what it finds, and works.</summary>
    public TopCandidates Best { get; } = new();
    public SegmentScan Scan { get; } = new();
    public RepeatedSearches Repeated { get; } = new();

    /// <summary>How many miners passed this clause and those before it; meaningless for a clause not asked.</summary>
    public int Left(Clause clause) => _left[(int)clause];

    /// <param name="left">By clause; see <see cref="Left"/>.</param>
    public void Complete(ReadOnlySpan<int> left)
    {
        HoldMs = 0;
        left.CopyTo(_left);
    }

    /// <summary>Leaves a candidate out of a complete answer.</summary>
    public void Drop(int place) => Best.RemoveAt(place);
}

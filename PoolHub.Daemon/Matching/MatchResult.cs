namespace PoolHub.Daemon.Matching;

/// <summary>
/// An answer, and the space to work it out in. Made to be used again; belongs to one match at a time.
/// </summary>
internal sealed class MatchResult
{
    private readonly SegmentScan _scan = new();

    /// <summary>Best first.</summary>
    public ReadOnlySpan<MatchCandidate> Candidates => _scan.Best.Items;

    /// <summary>For how long a slot of each candidate is held; 0 when none is.</summary>
    public int HoldMs { get; set; }

    /// <summary>How many miners passed this clause and those before it; meaningless for a clause not asked.</summary>
    public int Left(Clause clause) => _scan.Left[(int)clause];

    /// <param name="query">The query.</param>
    /// <param name="terms">Where its terms are looked up.</param>
    /// <param name="slotOf">The slot of a miner; -1 when it has none.</param>
    /// <param name="ceilingE8">What prices are measured against.</param>
    public SegmentScan Begin(MatchQuery query, TermCatalogue terms, Func<string, int> slotOf, long ceilingE8)
    {
        HoldMs = 0;
        _scan.Begin(query, terms, slotOf, ceilingE8);
        return _scan;
    }

    public void Complete() => _scan.Best.Sort();

    /// <summary>Leaves a candidate out of a complete answer.</summary>
    public void Drop(int place) => _scan.Best.RemoveAt(place);
}

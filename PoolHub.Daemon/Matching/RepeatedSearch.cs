using System.Runtime.CompilerServices;

namespace PoolHub.Daemon.Matching;

/// <summary>
/// A search that is asked again and again, and what it found in each segment. Asked once more, perhaps for another job,
/// it looks only at segments that changed since. A few candidates more than were asked for are kept, so that those who
/// become worse can be replaced without looking at everybody.
/// </summary>
internal sealed class RepeatedSearch
{
    /// <summary>How many candidates are kept beyond those asked for.</summary>
    private const int Reserve = 16;

    private readonly int[] _left = new int[Clauses.Count];
    private Part[] _parts = [];
    private int[] _changed = [];

    /// <summary>Any query that asks for the same; they differ in their jobs.</summary>
    private MatchQuery _query = null!;

    /// <summary>What prices are measured against.</summary>
    public long CeilingE8 { get; private set; }

    /// <summary>Of all segments; see <see cref="MatchResult.Left"/>.</summary>
    public ReadOnlySpan<int> Left => _left;

    /// <summary>The best of all segments. Whoever passes and is not among them is not above its floors.</summary>
    public TopCandidates Kept { get; } = new();

    /// <summary>
    /// Whether what is kept has been found for the query that asks now, and not for another job: only then are equal
    /// scores at the end of the list in this job's order.
    /// </summary>
    public bool IsFresh { get; private set; }

    /// <summary>Takes the place of another query.</summary>
    public void Begin(MatchQuery query)
    {
        _query = query;
        Restart();
    }

    /// <summary>Whether searches can be repeated at all: those that name miners or part them in groups are not.</summary>
    public static bool Suits(MatchQuery query) => query.Exclude.Length == 0 && query.SpreadBy == SpreadBy.None;

    public static int HashOf(MatchQuery query)
    {
        var hash = new HashCode();
        hash.Add(query.TopK);
        hash.Add(query.Weights);
        hash.Add(query.Region);
        hash.Add(query.TaskCapability);
        hash.Add(query.MinVramGb);
        hash.Add(query.MinRamGb);
        hash.Add(query.MaxPriceE8);
        hash.Add(query.DeadlineMs);
        foreach (string[] terms in (ReadOnlySpan<string[]>)[query.Accel, query.Capabilities, query.Tags])
        {
            hash.Add(terms.Length);
            foreach (string term in terms)
            {
                hash.Add(term);
            }
        }
        return hash.ToHashCode();
    }

    public bool Is(MatchQuery query) =>
        _query.TopK == query.TopK
        && _query.Weights == query.Weights
        && _query.Region == query.Region
        && _query.TaskCapability == query.TaskCapability
        && _query.MinVramGb == query.MinVramGb
        && _query.MinRamGb == query.MinRamGb
        && _query.MaxPriceE8 == query.MaxPriceE8
        && _query.DeadlineMs == query.DeadlineMs
        && _query.Accel.AsSpan().SequenceEqual(query.Accel)
        && _query.Capabilities.AsSpan().SequenceEqual(query.Capabilities)
        && _query.Tags.AsSpan().SequenceEqual(query.Tags);

    /// <summary>Prices are measured against another ceiling from now on.</summary>
    public void MeasureBy(long ceilingE8)
    {
        if (CeilingE8 != ceilingE8)
        {
            CeilingE8 = ceilingE8;
            Restart();
        }
    }

    /// <summary>Forgets everything: the next look is at all segments.</summary>
    public void Restart()
    {
        Kept.Reset(_query.TopK + Reserve, SpreadBy.None);
        Array.Clear(_left);
        Array.Clear(_parts);
        IsFresh = true;
    }

    /// <summary>The segments that changed since they were looked at; what was found there is forgotten.</summary>
    public ReadOnlySpan<int> TakeChanged(Segment[] segments)
    {
        if (_parts.Length < segments.Length)
        {
            Array.Resize(ref _parts, segments.Length);
            _changed = new int[segments.Length];
        }
        int count = 0;
        for (int i = 0; i < segments.Length; i++)
        {
            if (_parts[i].Stamp != segments[i].ReadStamp())
            {
                _changed[count++] = i;
            }
        }
        ReadOnlySpan<int> changed = _changed.AsSpan(0, count);
        if (count == segments.Length)
        {
            Restart();
        }
        else if (!IsFresh)
        {
            foreach (int segment in changed)
            {
                Forget(segment);
            }
        }
        return changed;
    }

    /// <summary>Keeps how many miners a segment had left.</summary>
    /// <param name="segment">The segment.</param>
    /// <param name="stamp">As it was before the segment was read.</param>
    /// <param name="left">By clause.</param>
    public void Keep(int segment, long stamp, ReadOnlySpan<int> left)
    {
        ref Part part = ref _parts[segment];
        part.Stamp = stamp;
        for (int i = 0; i < _left.Length; i++)
        {
            part.Left[i] = left[i];
            _left[i] += left[i];
        }
    }

    /// <summary>Takes the best for the query out of what is kept.</summary>
    /// <returns>False when somebody who was not kept may be among them.</returns>
    public bool TryAnswer(MatchQuery query, TopCandidates best)
    {
        best.Reset(query.TopK, SpreadBy.None);
        Kept.OfferTo(best, query.JobHash);
        bool exact = IsFresh || Kept.LeftOutNobodyFor(best);
        Kept.Seal();
        IsFresh = false;
        return exact;
    }

    private void Forget(int segment)
    {
        Kept.RemoveSegment(segment);
        ref Part part = ref _parts[segment];
        for (int i = 0; i < _left.Length; i++)
        {
            _left[i] -= part.Left[i];
        }
        part = default;
    }

    /// <summary>What was found in one segment; a stamp of 0 is that of nothing.</summary>
    private struct Part
    {
        public long Stamp;
        public Counts Left;
    }

    [InlineArray((int)Clause.DeadlineMs + 1)]
    private struct Counts
    {
        private int _first;
    }
}

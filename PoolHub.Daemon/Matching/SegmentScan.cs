using System.Numerics;
using System.Runtime.CompilerServices;

namespace PoolHub.Daemon.Matching;

/// <summary>
/// Works out one segment's part of an answer: the clauses as bitset arithmetic, then the best of the survivors. What
/// it finds stays apart until <see cref="Accept"/>, since the segment may have changed under it and is then read again.
/// </summary>
internal sealed class SegmentScan
{
    private readonly Survivors _survivors = new();
    private readonly ulong[] _any = new ulong[Segment.Words];
    private readonly int[] _left = new int[Clauses.Count];
    private readonly QueryTerms _terms = new();
    private readonly CandidateSearch _search = new();

    private MatchQuery _query = null!;

    /// <summary>The slots of the miners that the query excludes, in its order.</summary>
    private int[] _excluded = [];
    private Limit<float> _minVram;
    private Limit<float> _minRam;
    private Limit<long> _maxPrice;

    /// <summary>Of all segments accepted so far.</summary>
    public int[] Left { get; } = new int[Clauses.Count];

    /// <summary>Of the last segment.</summary>
    public ReadOnlySpan<int> LastLeft => _left;

    /// <param name="query">The query.</param>
    /// <param name="terms">Where its terms are looked up.</param>
    /// <param name="slotOf">The slot of a miner; -1 when it has none.</param>
    /// <param name="ceilingE8">What prices are measured against.</param>
    /// <param name="best">Gets the best; what is in it already need not be found.</param>
    public void Begin(MatchQuery query, TermCatalogue terms, Func<string, int> slotOf, long ceilingE8, TopCandidates best)
    {
        if (_excluded.Length < query.Exclude.Length)
        {
            _excluded = new int[query.Exclude.Length];
        }
        for (int i = 0; i < query.Exclude.Length; i++)
        {
            _excluded[i] = slotOf(query.Exclude[i]);
        }
        _query = query;
        _minVram = new Limit<float>(query.MinVramGb ?? 0);
        _minRam = new Limit<float>(query.MinRamGb ?? 0);
        _maxPrice = new Limit<long>(query.MaxPriceE8 ?? 0);
        _terms.Resolve(query, terms);
        _search.Begin(query, _terms, ceilingE8, best);
        Array.Clear(Left);
    }

    /// <summary>Whether a segment need not be looked at: it has miners of other regions only, as most have one region.</summary>
    public bool PassesOver(int segment)
    {
        if (_query.Region is null || _query.Exclude.Length > 0)
        {
            return false;
        }
        _terms.Renew(_query);
        return _terms.Region[0] is not { } region || region.In(segment).Count == 0;
    }

    /// <summary>Counts a segment that was passed over.</summary>
    public void Count((int Present, int Available) miners)
    {
        Left[(int)Clause.Online] += miners.Present;
        Left[(int)Clause.Available] += miners.Available;
    }

    public void Run(Segment segment)
    {
        Array.Clear(_left);
        _search.Clear();
        if (Filter(segment) && (_query.DeadlineMs is not { } deadline || KeepInTime(segment, deadline)))
        {
            _search.Run(segment, _survivors);
            if (_query.DeadlineMs is null)
            {
                _left[(int)Clause.FreeSlots] = _survivors.Count;
            }
            _left[(int)Clause.FreeSlots] -= _search.FilledMeanwhile;
            _left[(int)Clause.DeadlineMs] -= _search.FilledMeanwhile + _search.LateMeanwhile;
        }
    }

    /// <summary>Adds what the last run found to the answer.</summary>
    public void Accept()
    {
        for (int i = 0; i < _left.Length; i++)
        {
            Left[i] += _left[i];
        }
        _search.Accept();
    }

    /// <summary>Applies every clause but the deadline; false when nobody is left.</summary>
    private bool Filter(Segment segment)
    {
        _left[(int)Clause.Online] = segment.Count;
        _left[(int)Clause.Available] = segment.AvailableCount;
        _terms.Renew(_query);
        if (segment.AvailableCount == 0)
        {
            return false;
        }
        _survivors.Begin(segment);
        return (_query.Exclude.Length == 0 || KeepOthers(segment))
            && (_query.Region is null || KeepAny(Clause.Region, segment, _terms.Region))
            && (_query.Accel.Length == 0 || KeepAny(Clause.Accel, segment, _terms.Accel))
            && (_query.TaskCapability is null || KeepAny(Clause.Task, segment, _terms.Task, segment.AnyTask))
            && (_query.Capabilities.Length == 0 || KeepAny(Clause.CapabilitiesAny, segment, _terms.Capabilities))
            && (_query.Tags.Length == 0 || KeepAny(Clause.TagsAny, segment, _terms.Tags))
            && (_query.MinVramGb is null || KeepVram(segment))
            && (_query.MinRamGb is null || KeepRam(segment))
            && (_query.MaxPriceE8 is null || KeepPrice(segment))
            && KeepFree(segment);
    }

    private bool KeepOthers(Segment segment)
    {
        for (int i = 0; i < _query.Exclude.Length; i++)
        {
            int offset = _excluded[i] & Segment.Mask;
            if (_excluded[i] >> Segment.SizeBits == segment.Index
                && Segment.Has(_survivors.Words, offset)
                && segment.Offers[offset]?.MinerId == _query.Exclude[i])
            {
                _survivors.Remove(offset);
            }
        }
        return Kept(Clause.Exclude);
    }

    private bool KeepVram(Segment segment)
    {
        segment.VramGb.KeepAtLeast(_survivors, ref _minVram, _any);
        return Kept(Clause.MinVramGb);
    }

    private bool KeepRam(Segment segment)
    {
        segment.RamGb.KeepAtLeast(_survivors, ref _minRam, _any);
        return Kept(Clause.MinRamGb);
    }

    private bool KeepPrice(Segment segment)
    {
        segment.PriceE8.KeepAtMost(_survivors, ref _maxPrice, _any);
        return Kept(Clause.MaxPrice);
    }

    private bool KeepFree(Segment segment)
    {
        _survivors.KeepFree(segment);
        return Kept(Clause.FreeSlots);
    }

    private bool KeepAny(Clause clause, Segment segment, ReadOnlySpan<Term?> terms, ReadOnlySpan<ulong> orThese = default)
    {
        if (terms.Length == 1 && orThese.IsEmpty)
        {
            if (terms[0] is not { } only)
            {
                return false;
            }
            ref readonly SlotSet set = ref only.In(segment.Index);
            if (set.Count == segment.Count)
            {
                return Kept(clause);
            }
            if (set.Count == 0)
            {
                return false;
            }
            if (set.TryGetBits(out ReadOnlySpan<ulong> bits))
            {
                return Keep(clause, bits);
            }
        }
        if (orThese.IsEmpty)
        {
            Array.Clear(_any);
        }
        else
        {
            orThese.CopyTo(_any);
        }
        foreach (Term? term in terms)
        {
            term?.In(segment.Index).UnionInto(_any);
        }
        return Keep(clause, _any);
    }

    private bool Keep(Clause clause, ReadOnlySpan<ulong> passing)
    {
        _survivors.Keep(passing);
        return Kept(clause);
    }

    private bool Kept(Clause clause)
    {
        _left[(int)clause] = _survivors.Count;
        return _survivors.Count > 0;
    }

    private bool KeepInTime(Segment segment, int deadlineMs)
    {
        ulong[] miners = _survivors.Words;
        _ = Kept(Clause.FreeSlots);
        for (int word = 0; word < miners.Length; word++)
        {
            ulong late = 0;
            for (ulong rest = miners[word]; rest != 0; rest &= rest - 1)
            {
                int offset = (word * 64) + BitOperations.TrailingZeroCount(rest);
                bool isLate = segment.Figures(offset).IsLate(deadlineMs);
                late |= rest & (0 - rest) & (0UL - Unsafe.BitCast<bool, byte>(isLate));
            }
            miners[word] &= ~late;
        }
        _survivors.Recount();
        return Kept(Clause.DeadlineMs);
    }
}

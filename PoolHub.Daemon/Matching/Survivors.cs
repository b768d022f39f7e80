namespace PoolHub.Daemon.Matching;

/// <summary>
/// Who of a segment has passed the clauses so far, and how many. As long as clauses keep all or nobody, no bitset is
/// touched: in segments of miners that are alike, most do.
/// </summary>
internal sealed class Survivors
{
    private readonly ulong[] _words = new ulong[Segment.Words];

    /// <summary>The segment whose available miners they still are, all of them.</summary>
    private Segment? _whole;

    /// <summary>Whether of these only those with a free slot are left.</summary>
    private bool _free;

    public int Count { get; private set; }

    /// <summary>Themselves. Taking them may change the count: slots are freed and taken at any time.</summary>
    public ulong[] Words
    {
        get
        {
            if (_whole is { } segment)
            {
                segment.Available.CopyTo(_words);
                _whole = null;
                if (_free)
                {
                    Keep(segment.Load.AtLeast(1));
                }
            }
            return _words;
        }
    }

    /// <summary>All who are available.</summary>
    public void Begin(Segment segment) => (_whole, _free, Count) = (segment, false, segment.AvailableCount);

    public void Keep(ReadOnlySpan<ulong> passing)
    {
        if (_whole is { } segment)
        {
            Bitset.Intersect(_words, segment.Available, passing);
            _whole = null;
        }
        else
        {
            Bitset.Keep(_words, passing);
        }
        Recount();
    }

    /// <summary>Keeps those with a free slot.</summary>
    public void KeepFree(Segment segment)
    {
        if (_whole is null)
        {
            Keep(segment.Load.AtLeast(1));
        }
        else
        {
            (_free, Count) = (true, segment.FreeCount);
        }
    }

    public void KeepNobody() => Count = 0;

    /// <summary>After a change of the words.</summary>
    public void Recount() => Count = Bitset.Count(_words);

    public void Remove(int offset)
    {
        Segment.SetBit(Words, offset, false);
        Count--;
    }
}

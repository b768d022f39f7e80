namespace PoolHub.Daemon.Matching;

/// <summary>
/// The miners of one segment that share a term. Few are kept as a list and many as a bitset: most distinct terms are
/// rare, and 512 bytes for each of them in each segment would outweigh everything else in the index.
/// Written under the index's lock; readers check the segment's version, so a half-made change is read again.
/// </summary>
internal struct SlotSet
{
    private const int MinListed = 4;
    private const int MaxListed = 64;

    /// <summary>As many as <see cref="Count"/> says; there may be room for more.</summary>
    private ushort[]? _list;
    private ulong[]? _words;
    private int _start;

    public int Count { get; private set; }

    public void Add(int offset, BitsetPool pool)
    {
        if (_words is null && Count == MaxListed)
        {
            MakeBits(pool);
        }
        if (_words is { } words)
        {
            words[_start + (offset >> 6)] |= 1UL << offset;
        }
        else
        {
            if (_list is null || _list.Length == Count)
            {
                Array.Resize(ref _list, Math.Max(MinListed, 2 * Count));
            }
            _list[Count] = (ushort)offset;
        }
        Count++;
    }

    public void Remove(int offset, BitsetPool pool)
    {
        Count--;
        if (_words is { } words)
        {
            words[_start + (offset >> 6)] &= ~(1UL << offset);
            if (Count == 0)
            {
                _words = null;
                pool.Return(words, _start);
            }
        }
        else
        {
            _list![Array.IndexOf(_list, (ushort)offset)] = _list[Count];
        }
    }

    /// <summary>Moves a bitset that nobody reads yet to another pool.</summary>
    public void MoveTo(BitsetPool pool)
    {
        if (_words is { } words)
        {
            (_words, int start) = pool.Take();
            words.AsSpan(_start, Segment.Words).CopyTo(_words.AsSpan(start));
            _start = start;
        }
    }

    /// <summary>Whether the members are at hand as a bitset.</summary>
    public readonly bool TryGetBits(out ReadOnlySpan<ulong> bits)
    {
        ulong[]? words = Volatile.Read(in _words);
        bits = words is null ? default : words.AsSpan(_start, Segment.Words);
        return words is not null;
    }

    public readonly bool Contains(int offset)
    {
        if (Volatile.Read(in _words) is { } words)
        {
            return (words[_start + (offset >> 6)] & (1UL << offset)) != 0;
        }
        return Listed().Contains((ushort)offset);
    }

    /// <summary>Adds the members to a bitset of the segment's size.</summary>
    public readonly void UnionInto(ulong[] target)
    {
        if (TryGetBits(out ReadOnlySpan<ulong> bits))
        {
            Bitset.Add(target, bits);
        }
        else
        {
            foreach (ushort offset in Listed())
            {
                target[offset >> 6] |= 1UL << offset;
            }
        }
    }

    /// <summary>The count may be newer or older than the list that a reader sees, but never leads out of it.</summary>
    private readonly ReadOnlySpan<ushort> Listed() =>
        Volatile.Read(in _list) is { } list ? list.AsSpan(0, Math.Min(Count, list.Length)) : [];

    private void MakeBits(BitsetPool pool)
    {
        (ulong[] words, _start) = pool.Take();
        foreach (ushort listed in Listed())
        {
            words[_start + (listed >> 6)] |= 1UL << listed;
        }
        (_words, _list) = (words, null);
    }
}

namespace PoolHub.Daemon.Matching;

/// <summary>
/// The miners of one segment that share a term. Few are kept as a list and many as a bitset: most distinct terms are
/// rare, and 512 bytes for each of them in each segment would outweigh everything else in the index.
/// Written under the index's lock; readers check the segment's version, so a half-made change is read again.
/// </summary>
internal sealed class SlotSet
{
    private const int MaxListed = 64;

    private volatile ushort[]? _list = [];
    private volatile ulong[]? _words;

    public int Count { get; private set; }

    public void Add(int offset)
    {
        Count++;
        if (_words is { } words)
        {
            words[offset >> 6] |= 1UL << offset;
            return;
        }
        ushort[] list = _list!;
        if (list.Length < MaxListed)
        {
            _list = [.. list, (ushort)offset];
            return;
        }
        words = new ulong[Segment.Words];
        foreach (ushort listed in list)
        {
            words[listed >> 6] |= 1UL << listed;
        }
        words[offset >> 6] |= 1UL << offset;
        _words = words;
        _list = null;
    }

    public void Remove(int offset)
    {
        Count--;
        if (_words is { } words)
        {
            words[offset >> 6] &= ~(1UL << offset);
        }
        else
        {
            _list = Array.FindAll(_list!, listed => listed != offset);
        }
    }

    public bool Contains(int offset)
    {
        if (_words is { } words)
        {
            return (words[offset >> 6] & (1UL << offset)) != 0;
        }
        return _list is { } list && list.AsSpan().Contains((ushort)offset);
    }

    /// <summary>Adds the members to a bitset of the segment's size.</summary>
    public void UnionInto(Span<ulong> target)
    {
        if (_words is { } words)
        {
            for (int i = 0; i < Segment.Words; i++)
            {
                target[i] |= words[i];
            }
        }
        else if (_list is { } list)
        {
            foreach (ushort offset in list)
            {
                target[offset >> 6] |= 1UL << offset;
            }
        }
    }
}

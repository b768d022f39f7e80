namespace PoolHub.Daemon.Matching;

/// <summary>The segments of an index in the order of the slots. Grown under the index's lock, read without.</summary>
internal sealed class SegmentTable
{
    /// <summary>By segment, how many are present in the upper half, how many available in the lower: read without touching it.</summary>
    private readonly long[] _census = new long[MatchIndex.DefaultLimit / Segment.Size];
    private Segment[] _all = [];
    private SegmentStorage _storage = SegmentStorage.For(1);
    private Segment? _dearest;
    private long _dearestE8;

    /// <summary>All of them; some may be empty.</summary>
    public Segment[] All => Volatile.Read(ref _all);

    /// <summary>What each of them gets once a second.</summary>
    public SegmentRefresh Refresh { get; } = new();

    /// <summary>The dearest price of all; zero when there is nobody.</summary>
    public long DearestE8 => Volatile.Read(ref _dearestE8);

    /// <summary>How many miners a segment has, and how many of them are available, both of one moment.</summary>
    public (int Present, int Available) CountOf(int segment)
    {
        long counts = Volatile.Read(ref _census[segment]);
        return ((int)(counts >> 32), (int)counts);
    }

    public Segment Of(int slot) => All[slot >> Segment.SizeBits];

    /// <summary>The same for a slot that was not in use before: slots are taken one after the other.</summary>
    public Segment OrNew(int slot)
    {
        int index = slot >> Segment.SizeBits;
        if (index == _all.Length)
        {
            // Storage for half of what there is: little of it lies idle.
            Segment segment = Take(index / 2);
            Open(segment, index);
            Volatile.Write(ref _all, [.. _all, segment]);
        }
        return _all[index];
    }

    /// <summary>So many segments after the last, for <see cref="Open"/> and then <see cref="Publish"/>.</summary>
    public Segment[] Reserve(int count)
    {
        var segments = new Segment[count];
        for (int i = 0; i < count; i++)
        {
            segments[i] = Take(count - i);
        }
        return segments;
    }

    /// <summary>Makes a reserved segment ready for miners; any thread may.</summary>
    /// <param name="segment">The segment.</param>
    /// <param name="index">Its place among all.</param>
    public void Open(Segment segment, int index) => segment.Open(index, Refresh, _census);

    /// <summary>From here on matches read them.</summary>
    public void Publish(Segment[] segments)
    {
        Volatile.Write(ref _all, [.. _all, .. segments]);
        foreach (Segment segment in segments)
        {
            RenewDearest(segment);
        }
    }

    /// <summary>Where a miner is; false when nobody is on that slot.</summary>
    public bool TryFind(int slot, out Segment segment, out int offset)
    {
        segment = _all[slot >> Segment.SizeBits];
        offset = slot & Segment.Mask;
        return segment.IsPresent(offset);
    }

    /// <summary>Takes over what a segment's prices are now.</summary>
    public void RenewDearest(Segment changed)
    {
        if (changed.DearestE8 >= _dearestE8)
        {
            _dearest = changed;
        }
        else if (changed == _dearest)
        {
            _dearest = _all.MaxBy(segment => segment.DearestE8);
        }
        Volatile.Write(ref _dearestE8, Math.Max(0, _dearest?.DearestE8 ?? 0));
    }

    private Segment Take(int expected)
    {
        if (_storage.Take() is { } segment)
        {
            return segment;
        }
        _storage = SegmentStorage.For(expected);
        return _storage.Take()!;
    }
}

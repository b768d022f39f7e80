namespace PoolHub.Daemon.Matching;

/// <summary>The segments of an index in the order of the slots. Grown under the index's lock, read without.</summary>
internal sealed class SegmentTable
{
    /// <summary>By segment, how many are present in the upper half, how many available in the lower: read without touching it.</summary>
    private readonly long[] _census = new long[MatchIndex.DefaultLimit / Segment.Size];
    private Segment[] _all = [];
    private SegmentStorage _storage = SegmentStorage.After(0);
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
            Volatile.Write(ref _all, [.. _all, Create(index)]);
        }
        return _all[index];
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

    private Segment Create(int index)
    {
        if (_storage.Take(index, Refresh, _census) is not { } segment)
        {
            _storage = SegmentStorage.After(index);
            segment = _storage.Take(index, Refresh, _census)!;
        }
        return segment;
    }
}

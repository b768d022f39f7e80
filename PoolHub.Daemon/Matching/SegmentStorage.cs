namespace PoolHub.Daemon.Matching;

/// <summary>Some neighbouring segments: themselves, and each of their columns, in one piece.</summary>
internal sealed class SegmentStorage
{
    private const int MaxSegments = 64;

    /// <summary>
    /// A line of memory between the last segment of one bitset and the first of the next. Bitsets that are a power of two
    /// apart would all contend for the same few lines of the processor's caches, and a miner's bits are in a hundred.
    /// </summary>
    private const int GapWords = 8;

    private readonly Segment[] _segments;
    private readonly ulong[] _words;
    private readonly int _stride;
    private int _taken;

    private SegmentStorage(int segments)
    {
        _segments = [.. Enumerable.Range(0, segments).Select(place => new Segment(this, place))];
        _stride = (segments * Segment.Words) + GapWords;
        _words = HugePages.Allocate<ulong>(Segment.BitsetCount * _stride);
        Figures = HugePages.Allocate<SlotFigures>(segments * Segment.Size);
        PriceE8 = HugePages.Allocate<long>(segments * Segment.Size);
        VramGb = HugePages.Allocate<float>(segments * Segment.Size);
        RamGb = HugePages.Allocate<float>(segments * Segment.Size);
    }

    public SlotFigures[] Figures { get; }
    public long[] PriceE8 { get; }
    public float[] VramGb { get; }
    public float[] RamGb { get; }

    /// <summary>Storage for so many segments, or for a part of them.</summary>
    public static SegmentStorage For(int segments) => new(Math.Clamp(segments, 1, MaxSegments));

    public Bitsets BitsetsOf(int place) => new(_words, place * Segment.Words, _stride);

    /// <summary>The next segment; null when there is none.</summary>
    public Segment? Take() => _taken == _segments.Length ? null : _segments[_taken++];
}

namespace PoolHub.Daemon.Matching;

/// <summary>The columns of some neighbouring segments, each in one piece.</summary>
internal sealed class SegmentStorage(int segments)
{
    private const int MaxSegments = 64;

    /// <summary>
    /// A line of memory between one bitset's segments and the next one's. Bitsets that are a power of two apart would
    /// all contend for the same few lines of the processor's caches, and a miner's bits are in a hundred of them.
    /// </summary>
    private const int GapWords = 8;

    private readonly int _stride = (segments * Segment.Words) + GapWords;
    private readonly ulong[] _words = HugePages.Allocate<ulong>(Segment.BitsetCount * ((segments * Segment.Words) + GapWords));
    private int _taken;

    public SlotFigures[] Figures { get; } = HugePages.Allocate<SlotFigures>(segments * Segment.Size);
    public long[] PriceE8 { get; } = HugePages.Allocate<long>(segments * Segment.Size);
    public float[] VramGb { get; } = HugePages.Allocate<float>(segments * Segment.Size);
    public float[] RamGb { get; } = HugePages.Allocate<float>(segments * Segment.Size);

    public Bitsets BitsetsOf(int place) => new(_words, place * Segment.Words, _stride);

    /// <summary>The next segment's place in here; -1 when there is none.</summary>
    public int Take() => _taken < segments ? _taken++ : -1;

    /// <summary>Storage for the segments to come: half of what there is, so that little of it lies idle.</summary>
    public static SegmentStorage After(int segments) => new(Math.Clamp(segments / 2, 1, MaxSegments));
}

namespace PoolHub.Daemon.Matching;

/// <summary>
/// Bitsets of a segment's size for the terms, side by side: a query reads one of each segment, and would otherwise look
/// for each in another corner of the heap. Used by one thread at a time.
/// </summary>
internal sealed class BitsetPool
{
    /// <summary>Bitsets in one piece of memory. All pieces are as long: whoever reads a place that changes under it reads
    /// a wrong one, but never one that is not there.</summary>
    private const int PieceSets = 16_384;

    private readonly Stack<(ulong[] Words, int Start)> _free = new();
    private ulong[] _piece = [];
    private int _taken = PieceSets;

    /// <summary>An empty bitset: in these words, from the start on.</summary>
    public (ulong[] Words, int Start) Take()
    {
        if (_free.TryPop(out (ulong[] Words, int Start) free))
        {
            Array.Clear(free.Words, free.Start, Segment.Words);
            return free;
        }
        if (_taken == PieceSets)
        {
            (_piece, _taken) = (HugePages.Allocate<ulong>(PieceSets * Segment.Words), 0);
        }
        return (_piece, _taken++ * Segment.Words);
    }

    public void Return(ulong[] words, int start) => _free.Push((words, start));
}

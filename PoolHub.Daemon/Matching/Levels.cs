namespace PoolHub.Daemon.Matching;

/// <summary>
/// How high a figure of each of a segment's miners stands, in a few steps: one bitset for each step, with all who reach
/// it. "Who stands at least so high" is thus one bitset, ready made.
/// </summary>
/// <param name="bits">Where the bitsets are, the lowest step's first.</param>
internal readonly struct Levels(Bitsets bits)
{
    /// <param name="level">From 1 to the number of steps.</param>
    public ReadOnlySpan<ulong> AtLeast(int level) => bits[level - 1];

    /// <summary>Puts a miner on a level, without those below it; <see cref="CompleteFill"/> follows.</summary>
    public void Fill(int offset, int level)
    {
        if (level > 0)
        {
            Segment.SetBit(bits[level - 1], offset, true);
        }
    }

    /// <summary>Whoever reaches a level reaches those below.</summary>
    public void CompleteFill(int steps) => bits.AddEachToBefore(steps);

    /// <summary>Moves a miner whose bits nobody else writes.</summary>
    public void Move(int offset, int from, int to)
    {
        ulong bit = 1UL << offset;
        for (int level = from; level < to; level++)
        {
            bits[level][offset >> 6] |= bit;
        }
        for (int level = to; level < from; level++)
        {
            bits[level][offset >> 6] &= ~bit;
        }
    }

    /// <summary>The same where other miners' bits are written at the same time.</summary>
    public void MoveShared(int offset, int from, int to)
    {
        ulong bit = 1UL << offset;
        for (int level = from; level < to; level++)
        {
            Interlocked.Or(ref bits[level][offset >> 6], bit);
        }
        for (int level = to; level < from; level++)
        {
            Interlocked.And(ref bits[level][offset >> 6], ~bit);
        }
    }
}

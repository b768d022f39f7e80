namespace PoolHub.Daemon.Matching;

/// <summary>
/// What a score is made of, side by side: a miner that is scored costs one line of memory. Load, holds, round trip and
/// service time are written by heartbeats and holds at any time, each a single aligned word that cannot tear; the rest
/// under the index's lock.
/// </summary>
internal struct SlotFigures
{
    /// <summary>The steps of <see cref="LoadLevel"/> for a miner with a free slot.</summary>
    public const int LoadSteps = 16;

    public double Trust;

    /// <summary>As of the last refresh.</summary>
    public double LatencyNorm;

    /// <summary>The miner's half of the tie-break; see <see cref="StableHash.Pair"/>.</summary>
    public ulong IdHash;

    /// <summary>Jobs that run or wait, as the miner says.</summary>
    public int Load;

    /// <summary>Slots that matches have claimed.</summary>
    public int Held;

    /// <summary>Zero where nobody is: never a free slot.</summary>
    public int MaxParallel;

    /// <summary>-1 when unknown, as in the next.</summary>
    public int RttMs;
    public int ServiceMs;

    /// <summary>The level that the segment's bitsets show; <see cref="Segment.SettleLoad"/> keeps it.</summary>
    public short ShownLevel;

    /// <summary>Whether it is available: nobody else has a slot to offer.</summary>
    public bool Available;

    public readonly long Free => (long)MaxParallel - Volatile.Read(in Load) - Volatile.Read(in Held);

    /// <summary>0 when no slot is to be had, else from 1 up with the share of free slots.</summary>
    public readonly short LoadLevel()
    {
        int max = MaxParallel;
        long free = Free;
        return free <= 0 || !Volatile.Read(in Available) ? (short)0 : (short)(1 + (free * LoadSteps / (max + 1)));
    }

    /// <summary>Whether the job would be done later than that; false when nothing is known.</summary>
    public readonly bool IsLate(int deadlineMs)
    {
        long serviceMs = Volatile.Read(in ServiceMs);
        long load = (long)Volatile.Read(in Load) + Volatile.Read(in Held);
        long leftMs = (long)deadlineMs - Math.Max(Volatile.Read(in RttMs), 0);
        // The same as Scoring.EtaMs(…) > deadlineMs, without its division.
        return serviceMs >= 0 && serviceMs * (MaxParallel + load) > leftMs * MaxParallel;
    }
}

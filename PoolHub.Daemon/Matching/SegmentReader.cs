namespace PoolHub.Daemon.Matching;

/// <summary>Copies miners out of a segment, each as it was at one moment, as a match would have seen it.</summary>
internal static class SegmentReader
{
    /// <summary>
    /// Reads before it takes the lock. Many and short ones: whoever reads so has time, and shall not keep those waiting
    /// who have none.
    /// </summary>
    private const int MaxReads = 1_000;

    /// <summary>Slots that are read together.</summary>
    private const int PartSize = 128;

    /// <summary>Every miner that is present, in the order of the slots.</summary>
    /// <param name="segment">The segment.</param>
    /// <param name="writer">The lock under which it is written.</param>
    /// <param name="into">Room for <see cref="Segment.Size"/>.</param>
    /// <returns>How many there are.</returns>
    public static int Read(Segment segment, Lock writer, Span<MinerState> into)
    {
        int count = 0;
        for (int from = 0; from < Segment.Size; from += PartSize)
        {
            count += ReadPart(segment, from, writer, into[count..]);
        }
        return count;
    }

    private static int ReadPart(Segment segment, int from, Lock writer, Span<MinerState> into)
    {
        for (int i = 0; i < MaxReads; i++)
        {
            long stamp = segment.ReadStamp();
            if (Segment.IsWhole(stamp))
            {
                int count = Copy(segment, from, into);
                if (segment.IsUnchanged(stamp))
                {
                    return count;
                }
            }
            else
            {
                Thread.SpinWait(32);
            }
        }
        lock (writer)
        {
            return Copy(segment, from, into);
        }
    }

    private static int Copy(Segment segment, int from, Span<MinerState> into)
    {
        int count = 0;
        for (int offset = from; offset < from + PartSize; offset++)
        {
            // A slot that is being emptied has no card; its version says so and the segment is read again.
            if (!segment.IsPresent(offset) || segment.Offers[offset] is not { } offer)
            {
                continue;
            }
            ref SlotFigures figures = ref segment.Figures(offset);
            into[count++] = new MinerState
            {
                Offer = offer,
                Slot = (segment.Index << Segment.SizeBits) | offset,
                Available = Segment.Has(segment.Available, offset),
                Degraded = Segment.Has(segment.Degraded, offset),
                PriceE8 = segment.PriceE8[offset],
                Trust = figures.Trust,
                LatencyNorm = figures.LatencyNorm,
                Load = Volatile.Read(ref figures.Load) + Volatile.Read(ref figures.Held),
                MaxParallel = figures.MaxParallel,
                RttMs = Volatile.Read(ref figures.RttMs),
                ServiceMs = Volatile.Read(ref figures.ServiceMs),
            };
        }
        return count;
    }
}

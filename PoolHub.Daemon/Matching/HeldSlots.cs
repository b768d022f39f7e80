using PoolHub.Protocol;

namespace PoolHub.Daemon.Matching;

/// <summary>
/// How many slots of each miner are held: one more column of the index. It is written under the index's lock; a match
/// reads it like a heartbeat's columns, without.
/// </summary>
/// <param name="writer">The index's lock.</param>
/// <param name="segmentOf">The segment of a slot.</param>
internal sealed class HeldSlots(Lock writer, Func<int, Segment> segmentOf)
{
    /// <summary>
    /// Holds one slot of a miner more, unless none is free or the miner is not as it was selected: it left, or has
    /// another profile.
    /// </summary>
    public bool TryHold(int slot, Offer selected)
    {
        lock (writer)
        {
            Segment segment = segmentOf(slot);
            int offset = slot & Segment.Mask;
            ref SlotFigures figures = ref segment.Figures(offset);
            if (segment.Offers[offset] != selected || figures.Free <= 0)
            {
                return false;
            }
            Volatile.Write(ref figures.Held, figures.Held + 1);
            segment.SettleLoad(offset);
            return true;
        }
    }

    /// <summary>Writes how many are held; nothing when the miner is not on that slot any more.</summary>
    public void Set(int slot, string minerId, int held)
    {
        lock (writer)
        {
            if (OfferAt(slot)?.MinerId == minerId)
            {
                Segment segment = segmentOf(slot);
                Volatile.Write(ref segment.Figures(slot & Segment.Mask).Held, held);
                segment.SettleLoad(slot & Segment.Mask);
            }
        }
    }

    /// <summary>How many are held; of a miner that left, how many were.</summary>
    public int CountAt(int slot) => Volatile.Read(ref segmentOf(slot).Figures(slot & Segment.Mask).Held);

    /// <summary>The live price of whoever is on a slot.</summary>
    public TokenPrice PriceAt(int slot) => new(segmentOf(slot).PriceE8[slot & Segment.Mask]);

    /// <summary>What is offered on a slot now; null when it is empty.</summary>
    public Offer? OfferAt(int slot) => Volatile.Read(ref segmentOf(slot).Offers[slot & Segment.Mask]);
}

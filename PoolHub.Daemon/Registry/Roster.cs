using PoolHub.Daemon.Matching;
using PoolHub.Daemon.Storage;
using PoolHub.Daemon.Trust;
using PoolHub.Protocol;

namespace PoolHub.Daemon.Registry;

/// <summary>
/// Who is offered: a miner's place in the match index and in the lease column, which are one slot. Coming, going and
/// states are called under the registry's lock; what a heartbeat writes takes none, allocates nothing, and does nothing
/// for a miner that has no place.
/// </summary>
internal sealed class Roster(MatchIndex index, HoldBook holds, TrustBook trust, TimeProvider time)
{
    /// <summary>Who has which slot, and when it was last heard of.</summary>
    public LeaseColumn Leases { get; } = new();

    /// <summary>What admins have miners offered at.</summary>
    public PriceOverrides Prices { get; } = new(time);

    public int Count => index.Count;

    public void Enter(Miner miner, LeaseState state, long heardAt) => Enter(miner, state, heardAt, held: 0);

    private void Enter(Miner miner, LeaseState state, long heardAt, int held)
    {
        // With its load from the first moment on: a match might hold what is not free.
        int slot = index.Add(miner.Id, miner.Profile!, state == LeaseState.Degraded, IsOffered(miner), trust.Score(miner.Id), miner.Load,
            Prices.PriceOf(miner.Id), held);
        Take(slot, miner, state, heardAt);
        WriteStatus(miner);
        WriteRtt(miner);
    }

    /// <summary>The same for many at once, of whom no round trip is known.</summary>
    public void EnterAll(List<(Miner Miner, long HeardAt)> miners, LeaseState state)
    {
        int[] slots = index.AddAll([.. miners.Select(entry => new Newcomer(
            entry.Miner.Id, entry.Miner.Profile!, Prices.PriceOf(entry.Miner.Id) ?? entry.Miner.Profile!.Price, state == LeaseState.Degraded,
            IsOffered(entry.Miner), trust.Score(entry.Miner.Id), entry.Miner.Load, RttMs: -1, ServiceMs(entry.Miner)))]);
        for (int i = 0; i < slots.Length; i++)
        {
            Take(slots[i], miners[i].Miner, state, miners[i].HeardAt);
        }
    }

    public void Exit(Miner miner)
    {
        if (miner.Slot != Miner.NoSlot)
        {
            int slot = miner.Slot;
            Vacate(miner);
            holds.EndStale(miner.Id, slot);
        }
        miner.State = LeaseState.Offline;
        miner.RttMs = float.NaN;
    }

    /// <summary>Moves a miner that has a place between online and degraded.</summary>
    public void SetState(Miner miner, LeaseState state)
    {
        if (miner.State != state)
        {
            miner.State = state;
            index.SetDegraded(miner.Slot, state == LeaseState.Degraded);
        }
    }

    public void SetProfile(Miner miner, MinerProfile profile)
    {
        bool stays = miner.Profile?.Region == profile.Region;
        miner.Profile = profile;
        if (miner.Slot == Miner.NoSlot)
        {
            return;
        }
        if (stays)
        {
            index.Replace(miner.Slot, profile, Prices.PriceOf(miner.Id));
            miner.Profile = index.ProfileAt(miner.Slot);
        }
        else
        {
            Move(miner);
        }
    }

    /// <summary>Sets what the miner is offered at; null for its own price.</summary>
    public void SetPrice(Miner miner, PriceOverride? price)
    {
        Prices.Set(miner.Id, price);
        WritePrice(miner);
    }

    /// <summary>Takes over whether the miner is offered at its own price.</summary>
    public void WritePrice(Miner miner)
    {
        if (miner.Slot != Miner.NoSlot)
        {
            index.SetPrice(miner.Slot, Prices.PriceOf(miner.Id) ?? miner.Profile!.Price);
        }
    }

    /// <summary>What the miner's session before was held for ends; after its new profile is offered.</summary>
    public void EndOlderHolds(Miner miner)
    {
        if (miner.Slot != Miner.NoSlot)
        {
            holds.EndStale(miner.Id, miner.Slot);
        }
    }

    /// <summary>Ends what is held of slots that the profile of a live session has no more.</summary>
    public void ShrinkHolds(Miner miner, int slotsBefore)
    {
        if (miner.Slot != Miner.NoSlot)
        {
            holds.Shrink(miner.Id, miner.Slot, slotsBefore, miner.Profile!.MaxParallel, miner.Load);
        }
    }

    /// <summary>How many of its slots matches hold.</summary>
    public int Held(Miner miner)
    {
        int slot = miner.Slot;
        return slot == Miner.NoSlot ? 0 : index.Held.CountAt(slot);
    }

    /// <summary>Takes over whether the miner drains or is ejected.</summary>
    public void WriteOffered(Miner miner)
    {
        if (miner.Slot != Miner.NoSlot)
        {
            index.SetAvailable(miner.Slot, IsOffered(miner));
        }
    }

    public void WriteTrust(Miner miner)
    {
        if (miner.Slot != Miner.NoSlot)
        {
            index.SetTrust(miner.Slot, trust.Score(miner.Id));
        }
    }

    public void Renew(Miner miner, long heardAt)
    {
        int slot = miner.Slot;
        if (slot != Miner.NoSlot)
        {
            Leases.Renew(slot, heardAt);
        }
    }

    public void WriteStatus(Miner miner)
    {
        int slot = miner.Slot;
        if (slot != Miner.NoSlot)
        {
            index.SetLoad(slot, miner.Load);
            index.SetServiceMs(slot, ServiceMs(miner));
        }
    }

    public void WriteRtt(Miner miner)
    {
        int slot = miner.Slot;
        float rttMs = miner.RttMs;
        if (slot != Miner.NoSlot && !float.IsNaN(rttMs))
        {
            index.SetRtt(slot, (int)rttMs);
        }
    }

    public void RefreshLatencyRanks() => index.RefreshLatencyRanks();

    /// <summary>
    /// Gives the miner another place. Matches pass over whole segments of regions that they do not ask for, so whoever
    /// changes its region goes to those of its new one. What is held of it goes along.
    /// </summary>
    private void Move(Miner miner)
    {
        (LeaseState state, long heardAt, int held) = (miner.State, Leases.HeardAt(miner.Slot), Held(miner));
        Vacate(miner);
        Enter(miner, state, heardAt, held);
        holds.Move(miner.Id, miner.Slot);
    }

    private void Vacate(Miner miner)
    {
        Leases.Clear(miner.Slot);
        index.Remove(miner.Slot);
        miner.Slot = Miner.NoSlot;
    }

    /// <summary>What coordinators saw of its jobs, else what it claims, else -1.</summary>
    private static int ServiceMs(Miner miner) =>
        float.IsNaN(miner.ReportedServiceMs) ? miner.AvgLatencyMs ?? -1 : (int)miner.ReportedServiceMs;

    private void Take(int slot, Miner miner, LeaseState state, long heardAt)
    {
        miner.Profile = index.ProfileAt(slot);
        Leases.Put(slot, miner, heardAt);
        miner.State = state;
        // Last, since a heartbeat writes where it sees a slot.
        miner.Slot = slot;
    }

    private bool IsOffered(Miner miner) => !miner.Draining && !trust.IsEjected(miner.Id);
}

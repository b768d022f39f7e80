using PoolHub.Daemon.Storage;

namespace PoolHub.Daemon.Registry;

/// <summary>
/// Which session of a miner counts, and whether anybody is at its other end. A session speaks for its miner, and offers
/// it, once it has registered and until a newer one begins or the miner leaves.
/// </summary>
/// <param name="gate">The registry's lock.</param>
/// <param name="roster">Who is offered.</param>
/// <param name="store">Keeps that a miner has left.</param>
/// <param name="time">The hub's clock.</param>
internal sealed class Presence(Lock gate, Roster roster, IHubStore store, TimeProvider time)
{
    private readonly SessionEpochs _epochs = new(time);

    /// <summary>
    /// Begins a new session of a miner whose key was verified; the miner is known from here on. What the session before
    /// offered is degraded until this one has registered.
    /// </summary>
    public (Miner Miner, long Epoch) Begin(Miner miner)
    {
        lock (gate)
        {
            miner.Epoch = _epochs.After(miner.Epoch);
            miner.Registered = false;
            Degrade(miner);
            return (miner, miner.Epoch);
        }
    }

    /// <summary>
    /// A sign of life: the lease begins anew. False when the session is over or has not registered, which changes nothing.
    /// </summary>
    public bool Renew(Miner miner, long epoch)
    {
        if (!Speaks(miner, epoch))
        {
            return false;
        }
        roster.Renew(miner, time.GetTimestamp());
        miner.Seen(time.GetUtcNow());
        return (miner.State == LeaseState.Online && !miner.Dropped) || Revive(miner, epoch);
    }

    /// <summary>How busy the miner is now. Renews the lease. False as by <see cref="Renew"/>.</summary>
    public bool Report(Miner miner, long epoch, in MinerReport report)
    {
        if (!Speaks(miner, epoch))
        {
            return false;
        }
        miner.Take(report);
        bool renewed = Renew(miner, epoch);
        roster.WriteStatus(miner);
        return renewed;
    }

    /// <summary>
    /// The miner's socket ended without a goodbye: degraded at once. A session that has not registered offers nothing: what
    /// is there is of the one before, and that is over.
    /// </summary>
    public void Drop(Miner miner, long epoch)
    {
        lock (gate)
        {
            if (miner.Epoch != epoch)
            {
                return;
            }
            Degrade(miner);
            if (!miner.Registered)
            {
                roster.Exit(miner);
            }
        }
    }

    /// <summary>The miner said goodbye: offline at once, and its session is over.</summary>
    public async ValueTask LeaveAsync(Miner miner, long epoch)
    {
        long next;
        lock (gate)
        {
            if (miner.Epoch != epoch)
            {
                return;
            }
            next = miner.Epoch = _epochs.After(epoch);
            miner.Registered = false;
            roster.Exit(miner);
        }
        await store.SaveEpochAsync(miner.Id, next);
    }

    private static bool Speaks(Miner miner, long epoch) => miner.Epoch == epoch && miner.Registered;

    /// <summary>Nobody is at the other end for the moment. Called under the lock.</summary>
    private void Degrade(Miner miner)
    {
        miner.Dropped = true;
        if (miner.Slot != Miner.NoSlot)
        {
            roster.SetState(miner, LeaseState.Degraded);
        }
    }

    /// <summary>Brings a miner back that speaks; false when its session is over.</summary>
    private bool Revive(Miner miner, long epoch)
    {
        lock (gate)
        {
            if (!Speaks(miner, epoch))
            {
                return false;
            }
            miner.Dropped = false;
            if (miner.Slot == Miner.NoSlot)
            {
                roster.Enter(miner, LeaseState.Online, time.GetTimestamp());
            }
            else
            {
                roster.SetState(miner, LeaseState.Online);
            }
            return true;
        }
    }
}

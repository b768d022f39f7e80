using PoolHub.Daemon.Storage;
using PoolHub.Protocol;

namespace PoolHub.Daemon.Registry;

/// <summary>
/// Makes profiles durable, then offers their miners. Those of one miner go one after the other: what is stored last is
/// what is offered.
/// </summary>
/// <param name="gate">The registry's lock.</param>
/// <param name="roster">Who is offered.</param>
/// <param name="store">Takes the profiles.</param>
/// <param name="time">The hub's clock.</param>
internal sealed class Registrations(Lock gate, Roster roster, IHubStore store, TimeProvider time)
{
    private readonly WriteTurns _turns = new();

    /// <inheritdoc cref="MinerRegistry.RegisterAsync"/>
    public Task<bool> RegisterAsync(Miner miner, long epoch, MinerProfile profile, StoredKeys? claim)
    {
        lock (gate)
        {
            // It speaks. Should its socket drop while the store is at work, that is news.
            miner.Dropped &= miner.Epoch != epoch;
        }
        return _turns.InTurnAsync(miner.Id, async () =>
        {
            DateTimeOffset now = time.GetUtcNow();
            if (miner.Epoch == epoch)
            {
                await store.SaveRegistrationAsync(miner.Id, profile, epoch, claim, now);
                return Offer(miner, epoch, profile);
            }
            if (claim is not null)
            {
                await store.SaveKeysAsync(miner.Id, claim, now, AuditEntry.Claim(miner.Id, now));
            }
            return false;
        });
    }

    /// <inheritdoc cref="MinerRegistry.ChangeProfileAsync"/>
    public Task<bool> ChangeAsync(Miner miner, Func<MinerProfile, MinerProfile> change)
    {
        long epoch = miner.Epoch;
        return _turns.InTurnAsync(miner.Id, async () =>
        {
            if (miner.Epoch != epoch || !miner.Registered)
            {
                return false;
            }
            MinerProfile profile = change(miner.Profile!);
            // It is no sign of life: the miner was last seen when it was.
            await store.SaveRegistrationAsync(miner.Id, profile, epoch, claim: null, DateTimeOffset.FromUnixTimeMilliseconds(miner.LastSeenMs));
            lock (gate)
            {
                if (miner.Epoch != epoch)
                {
                    return false;
                }
                roster.SetProfile(miner, profile);
                return true;
            }
        });
    }

    /// <inheritdoc cref="MinerRegistry.OverridePriceAsync"/>
    public Task<bool> OverridePriceAsync(Miner miner, PriceOverride? price, AuditEntry? audit) => _turns.InTurnAsync(miner.Id, async () =>
    {
        await store.SavePriceOverrideAsync(miner.Id, price, time.GetUtcNow(), audit);
        lock (gate)
        {
            roster.SetPrice(miner, price);
            return true;
        }
    });

    /// <inheritdoc cref="MinerRegistry.SetDrainingAsync"/>
    public Task SetDrainingAsync(Miner miner, bool draining, AuditEntry? audit)
    {
        lock (gate)
        {
            miner.Draining = draining;
            roster.WriteOffered(miner);
        }
        // In turn, so that what is stored last is what was said last.
        return _turns.InTurnAsync(miner.Id, async () =>
        {
            await store.SaveDrainingAsync(miner.Id, miner.Draining, audit);
            return true;
        });
    }

    private bool Offer(Miner miner, long epoch, MinerProfile profile)
    {
        lock (gate)
        {
            if (miner.Epoch != epoch)
            {
                return false;
            }
            int slotsBefore = miner.Profile?.MaxParallel ?? 0;
            roster.SetProfile(miner, profile);
            if (miner.Registered)
            {
                roster.ShrinkHolds(miner, slotsBefore);
            }
            else
            {
                miner.BeginIdle();
                miner.Registered = true;
                roster.EndOlderHolds(miner);
                roster.WriteStatus(miner);
            }
            if (miner.Slot == Miner.NoSlot)
            {
                roster.Enter(miner, miner.Dropped ? LeaseState.Degraded : LeaseState.Online, time.GetTimestamp());
            }
            else if (!miner.Dropped)
            {
                roster.Renew(miner, time.GetTimestamp());
                roster.SetState(miner, LeaseState.Online);
            }
            miner.Seen(time.GetUtcNow());
            return true;
        }
    }
}

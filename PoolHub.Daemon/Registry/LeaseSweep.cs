namespace PoolHub.Daemon.Registry;

/// <summary>
/// Looks once at every lease: who is online, who is degraded, and whose grace is over. Called under the registry's lock.
/// A heartbeat that comes while it looks is seen by the next.
/// </summary>
internal sealed class LeaseSweep(RegistryOptions options, Roster roster, MassLossGuard guard, TimeProvider time)
{
    private readonly long _leaseTicks = options.LeaseTtlSec * time.TimestampFrequency;
    private readonly long _graceTicks = options.GraceSec * time.TimestampFrequency;
    private long _sweptAt = time.GetTimestamp();

    public int Online { get; private set; }
    public int Degraded { get; private set; }

    /// <summary>Mean of the smoothed round trips; null when none was measured.</summary>
    public double? MeanRttMs { get; private set; }

    /// <summary>Returns those that went offline.</summary>
    public List<Miner> Run()
    {
        long now = time.GetTimestamp();
        LeaseColumn leases = roster.Leases;
        List<Miner> due = [];
        List<Miner> gone = [];
        int silent = 0;
        int online = 0;
        int measured = 0;
        double rttMs = 0;
        for (int slot = 0; slot < leases.Capacity; slot++)
        {
            if (leases.MinerAt(slot) is not { } miner)
            {
                continue;
            }
            if (miner.AtWorkSince is > 0 and var since && now - since < _leaseTicks)
            {
                leases.Forgive(slot, now - Math.Max(since, _sweptAt), now);
            }
            long age = now - leases.HeardAt(slot);
            if (age >= _graceTicks)
            {
                due.Add(miner);
            }
            if (!float.IsNaN(miner.RttMs))
            {
                measured++;
                rttMs += miner.RttMs;
            }
            if (age >= _leaseTicks || miner.Dropped)
            {
                silent++;
                roster.SetState(miner, LeaseState.Degraded);
            }
            else
            {
                online++;
                roster.SetState(miner, LeaseState.Online);
            }
        }
        _sweptAt = now;
        if (!guard.Holds(due.Count, silent, silent + online, now))
        {
            foreach (Miner miner in due)
            {
                // A heartbeat may have come since it was looked at.
                if (time.GetTimestamp() - leases.HeardAt(miner.Slot) >= _graceTicks)
                {
                    roster.Exit(miner);
                    gone.Add(miner);
                }
            }
        }
        (Online, Degraded) = (online, silent - gone.Count);
        MeanRttMs = measured == 0 ? null : rttMs / measured;
        return gone;
    }

    /// <summary>Where nothing was swept yet, everybody is degraded.</summary>
    public void Begin() => (Online, Degraded) = (0, roster.Count);
}

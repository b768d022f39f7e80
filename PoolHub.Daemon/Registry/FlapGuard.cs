namespace PoolHub.Daemon.Registry;

/// <summary>Sends a miner away that connects too often: counts its connections, minute by minute.</summary>
internal sealed class FlapGuard(RegistryOptions options, TimeProvider time)
{
    private static readonly TimeSpan s_window = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();

    public RegistryOptions Options { get; set; } = options;

    /// <summary>Counts a connection. Returns how long the miner must stay away, or null when it may come.</summary>
    public TimeSpan? Refuse(Miner miner)
    {
        if (Options.FlapLimitPerMin == 0)
        {
            return null;
        }
        long now = time.GetTimestamp();
        lock (_gate)
        {
            if (miner.FlapBanUntil != 0)
            {
                if (now < miner.FlapBanUntil)
                {
                    return time.GetElapsedTime(now, miner.FlapBanUntil);
                }
                (miner.FlapBanUntil, miner.FlapCount) = (0, 0);
            }
            if (miner.FlapCount == 0 || time.GetElapsedTime(miner.FlapWindowStart, now) >= s_window)
            {
                (miner.FlapWindowStart, miner.FlapCount) = (now, 0);
            }
            if (++miner.FlapCount <= Options.FlapLimitPerMin)
            {
                return null;
            }
            miner.FlapBanUntil = now + (Options.FlapBanSec * time.TimestampFrequency);
            return TimeSpan.FromSeconds(Options.FlapBanSec);
        }
    }
}

namespace PoolHub.Daemon.Registry;

/// <summary>
/// Sends a miner away that connects too often: counts its connections, minute by minute. Remembers those alone that
/// came within the last minute or are being refused.
/// </summary>
internal sealed class FlapGuard(RegistryOptions options, TimeProvider time)
{
    private static readonly TimeSpan s_window = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();
    private Dictionary<Miner, Connections> _lately = [];
    private long _tidiedAt = time.GetTimestamp();

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
            Tidy(now);
            if (!_lately.TryGetValue(miner, out Connections seen) || IsOver(seen, now))
            {
                seen = new Connections(0, Since: now, BanUntil: 0);
            }
            if (now < seen.BanUntil)
            {
                return time.GetElapsedTime(now, seen.BanUntil);
            }
            bool refused = seen.Count >= Options.FlapLimitPerMin;
            _lately[miner] = seen with
            {
                Count = seen.Count + 1,
                BanUntil = refused ? now + (Options.FlapBanSec * time.TimestampFrequency) : 0,
            };
            return refused ? TimeSpan.FromSeconds(Options.FlapBanSec) : null;
        }
    }

    /// <summary>Once a minute, makes room of those of whom nothing needs to be known any more.</summary>
    private void Tidy(long now)
    {
        if (time.GetElapsedTime(_tidiedAt, now) >= s_window)
        {
            _lately = _lately.Where(miner => !IsOver(miner.Value, now)).ToDictionary();
            _tidiedAt = now;
        }
    }

    private bool IsOver(Connections seen, long now) =>
        seen.BanUntil == 0 ? time.GetElapsedTime(seen.Since, now) >= s_window : now >= seen.BanUntil;

    /// <param name="Count">Connections in the minute that began at <paramref name="Since"/>.</param>
    /// <param name="BanUntil">Timestamp until which it is refused; zero when it is not.</param>
    private readonly record struct Connections(int Count, long Since, long BanUntil);
}

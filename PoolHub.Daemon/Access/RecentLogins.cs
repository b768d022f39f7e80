using System.Collections.Concurrent;

namespace PoolHub.Daemon.Access;

/// <summary>
/// From which addresses somebody has logged in lately, and when last. Looking takes no lock, and who is there for long is
/// written down once a minute. Where there are too many, those who were seen last stay.
/// </summary>
internal sealed class RecentLogins(TimeProvider time)
{
    public static readonly TimeSpan Lately = TimeSpan.FromHours(24);

    /// <summary>How often one that stays is seen again.</summary>
    public static readonly TimeSpan SeenEvery = TimeSpan.FromMinutes(1);

    private const int Capacity = 262_144;

    private readonly ConcurrentDictionary<AddressBlock, Login> _logins = new();
    private readonly Lock _forgetting = new();
    private int _count;

    public bool Contains(AddressBlock address) =>
        _logins.TryGetValue(address, out Login? login) && time.GetElapsedTime(Volatile.Read(ref login.At)) < Lately;

    /// <summary>Somebody is in from there. False when that was written down less than a minute ago.</summary>
    public bool See(AddressBlock address)
    {
        long now = time.GetTimestamp();
        if (!_logins.TryGetValue(address, out Login? login))
        {
            if (_logins.TryAdd(address, new Login { At = now }) && Interlocked.Increment(ref _count) > Capacity)
            {
                Forget(now);
            }
            return true;
        }
        if (time.GetElapsedTime(Volatile.Read(ref login.At), now) < SeenEvery)
        {
            return false;
        }
        Volatile.Write(ref login.At, now);
        return true;
    }

    /// <summary>Where there are too many: those of the last day stay, else of half a day, and so on.</summary>
    private void Forget(long now)
    {
        lock (_forgetting)
        {
            for (TimeSpan age = Lately; Volatile.Read(ref _count) > Capacity; age /= 2)
            {
                foreach ((AddressBlock address, Login login) in _logins)
                {
                    if (time.GetElapsedTime(Volatile.Read(ref login.At), now) >= age && _logins.TryRemove(address, out _))
                    {
                        _ = Interlocked.Decrement(ref _count);
                    }
                }
            }
        }
    }

    private sealed class Login
    {
        /// <summary>Timestamp.</summary>
        public long At;
    }
}

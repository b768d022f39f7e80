using System.Collections.Concurrent;

namespace PoolHub.Daemon.Access;

/// <summary>
/// How often somebody may try to come in. Strangers choose their ids and have many addresses, so what is counted has a
/// bounded number of places: those who share one by chance share its limit, which no normal fleet meets.
/// </summary>
/// <param name="perSec">0: as often as they like.</param>
internal sealed class LoginRate(int perSec, TimeProvider time)
{
    private const int Places = 1 << 16;

    private readonly ConcurrentDictionary<int, TokenBucket> _buckets = new();

    /// <summary>Null when it may; else how long to wait.</summary>
    public TimeSpan? Refuse<T>(T who)
        where T : notnull
    {
        if (perSec == 0)
        {
            return null;
        }
        // Differs from process to process: nobody can choose who shares a place with whom.
        int place = HashCode.Combine(who) & (Places - 1);
        return _buckets.GetOrAdd(place, static (_, rate) => new TokenBucket(rate.perSec, rate.time), (perSec, time)).Take(1);
    }
}

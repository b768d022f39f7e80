using System.Threading.RateLimiting;

namespace PoolHub.Daemon.Access;

/// <summary>
/// How often somebody may try to come in. Strangers choose their ids and have many addresses, so what is counted has a
/// bounded number of places: those who share one by chance share its limit, which no normal fleet meets.
/// </summary>
internal sealed class LoginRate : IDisposable
{
    private const int Places = 1 << 16;

    private readonly PartitionedRateLimiter<int>? _limiter;

    /// <param name="perSec">0: as often as they like.</param>
    public LoginRate(int perSec)
    {
        if (perSec > 0)
        {
            TokenBucketRateLimiterOptions options = TokenBuckets.PerSecond(perSec);
            _limiter = PartitionedRateLimiter.Create<int, int>(place => RateLimitPartition.GetTokenBucketLimiter(place, _ => options));
        }
    }

    /// <summary>Null when it may; else how long to wait.</summary>
    public TimeSpan? Refuse<T>(T who)
        where T : notnull
    {
        if (_limiter is null)
        {
            return null;
        }
        // Differs from process to process: nobody can choose who shares a place with whom.
        using RateLimitLease lease = _limiter.AttemptAcquire(HashCode.Combine(who) & (Places - 1));
        return lease.IsAcquired ? null
            : lease.TryGetMetadata(MetadataName.RetryAfter, out TimeSpan wait) ? wait
            : TimeSpan.FromSeconds(1);
    }

    public void Dispose() => _limiter?.Dispose();
}

using System.Threading.RateLimiting;

namespace PoolHub.Daemon.Access;

/// <summary>So many a second, with a burst of twice that.</summary>
internal static class TokenBuckets
{
    public const int MaxPerSec = 1_000_000_000;

    private const int PeriodsPerSec = 20;

    /// <param name="perSec">1 to <see cref="MaxPerSec"/>.</param>
    public static TokenBucketRateLimiterOptions PerSecond(int perSec)
    {
        // What comes back is spread over the second, where it is not less than one at a time.
        int tokens = Math.Max(1, perSec / PeriodsPerSec);
        return new TokenBucketRateLimiterOptions
        {
            TokenLimit = 2 * perSec,
            TokensPerPeriod = tokens,
            ReplenishmentPeriod = TimeSpan.FromSeconds((double)tokens / perSec),
            AutoReplenishment = false,
            QueueLimit = 0,
        };
    }
}

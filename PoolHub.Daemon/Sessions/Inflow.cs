using System.Threading.RateLimiting;
using PoolHub.Daemon.Access;

namespace PoolHub.Daemon.Sessions;

/// <summary>Limits what one connection sends. Nobody waits for it: who sends too much is closed.</summary>
internal sealed class Inflow(InflowOptions options)
{
    private readonly TokenBucketRateLimiter? _frames = Create(options.FramesPerSec);
    private readonly TokenBucketRateLimiter? _bytes = Create(options.BytesPerSec);

    /// <summary>Null when so much may have come; else how long to stay away.</summary>
    public TimeSpan? Refuse(int frames, long bytes) =>
        Refuse(_frames, frames, options.FramesPerSec) ?? Refuse(_bytes, bytes, options.BytesPerSec);

    private static TokenBucketRateLimiter? Create(int perSec) =>
        perSec == 0 ? null : new TokenBucketRateLimiter(TokenBuckets.PerSecond(perSec));

    private static TimeSpan? Refuse(TokenBucketRateLimiter? bucket, long count, int perSec)
    {
        if (bucket is null || count == 0)
        {
            return null;
        }
        if (count <= 2L * perSec)
        {
            _ = bucket.TryReplenish();
            using RateLimitLease lease = bucket.AttemptAcquire((int)count);
            if (lease.IsAcquired)
            {
                return null;
            }
        }
        return TimeSpan.FromSeconds(Math.Max(1, (double)count / perSec));
    }
}

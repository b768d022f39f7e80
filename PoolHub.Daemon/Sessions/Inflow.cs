using PoolHub.Daemon.Access;

namespace PoolHub.Daemon.Sessions;

/// <summary>Limits what one connection sends. Nobody waits for it: who sends too much is closed.</summary>
internal sealed class Inflow(InflowOptions options, TimeProvider time)
{
    private readonly TokenBucket _frames = new(options.FramesPerSec, time);
    private readonly TokenBucket _bytes = new(options.BytesPerSec, time);

    /// <summary>Null when so much may have come; else how long to stay away.</summary>
    public TimeSpan? Refuse(int frames, long bytes) => Refuse(_frames, frames) ?? Refuse(_bytes, bytes);

    private static TimeSpan? Refuse(TokenBucket bucket, long count) => count <= bucket.Burst
        ? bucket.Take((int)count)
        : TimeSpan.FromSeconds((double)count / bucket.PerSec);
}

namespace PoolHub.Daemon.Sessions;

/// <summary>
/// Counts the time in which the hub runs: who judges somebody by silence asks this clock. While the hub stands still (it
/// was stopped, its machine slept, others had the processor) miners speak and are not read, so that between two ticks
/// no more time passes than an interval and a little. The time of day is the real one.
/// </summary>
internal sealed class RunningClock(TimeProvider time) : TimeProvider
{
    /// <summary>Between two ticks, which are the sweep's.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <summary>A tick that is later than this tells that the hub stood still.</summary>
    public static readonly TimeSpan Tolerance = TimeSpan.FromMilliseconds(500);

    private readonly long _mostTicks = (long)((Interval + Tolerance).TotalSeconds * time.TimestampFrequency);

    /// <summary>The last tick; null before the first, until when it is the real time.</summary>
    private volatile Mark? _last;

    public override long TimestampFrequency => time.TimestampFrequency;

    public override long GetTimestamp() => _last is { } last ? last.Running(time.GetTimestamp(), _mostTicks) : time.GetTimestamp();

    public override DateTimeOffset GetUtcNow() => time.GetUtcNow();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        time.CreateTimer(callback, state, dueTime, period);

    /// <summary>The hub runs. Called by one thread at a time; returns by how much later than it should.</summary>
    public TimeSpan Tick()
    {
        long now = time.GetTimestamp();
        Mark? last = _last;
        _last = new Mark(now, last?.Running(now, _mostTicks) ?? now);
        return last is null ? TimeSpan.Zero : time.GetElapsedTime(last.RealTicks, now) - Interval;
    }

    private sealed record Mark(long RealTicks, long RunningTicks)
    {
        public long Running(long realTicks, long mostTicks) => RunningTicks + Math.Min(realTicks - RealTicks, mostTicks);
    }
}

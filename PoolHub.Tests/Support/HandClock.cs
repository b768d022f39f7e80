using Microsoft.Extensions.Time.Testing;

namespace PoolHub.Tests.Support;

/// <summary>
/// A clock that only the test moves. What would tick by itself never does: the test calls the sweep, and knows that
/// nothing else does meanwhile.
/// </summary>
internal sealed class HandClock() : FakeTimeProvider(new DateTimeOffset(2026, 1, 1, 12, 0, 0, TimeSpan.Zero))
{
    /// <summary>How far somebody has set the clock on the wall; time itself goes on as it did.</summary>
    public TimeSpan Set { get; set; }

    /// <summary>What would tick with this period does.</summary>
    public TimeSpan? Ticking { get; set; }

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Set;

    public override long GetTimestamp() => base.GetUtcNow().Ticks;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        period == Ticking
            ? base.CreateTimer(callback, state, dueTime, period)
            : base.CreateTimer(callback, state, period == Timeout.InfiniteTimeSpan ? dueTime : Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
}

using PoolHub.Daemon.Sessions;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Sessions;

public sealed class RunningClockTests
{
    private readonly HandClock _time = new();
    private readonly RunningClock _clock;

    public RunningClockTests() => _clock = new RunningClock(_time);

    [Fact]
    public void Time_is_the_real_one_while_the_ticks_come()
    {
        long start = _clock.GetTimestamp();
        for (int i = 0; i < 100; i++)
        {
            _ = _clock.Tick();
            _time.Advance(TimeSpan.FromSeconds(1.1));
        }
        Assert.Equal(110, _clock.GetElapsedTime(start).TotalSeconds, 3);
        Assert.Equal(0.1, _clock.Tick().TotalSeconds, 3);
        Assert.Equal(_time.GetUtcNow(), _clock.GetUtcNow());
    }

    [Fact]
    public void Time_in_which_no_tick_came_is_an_interval_and_a_little_for_whoever_looks_and_at_any_time()
    {
        _ = _clock.Tick();
        long start = _clock.GetTimestamp();
        _time.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal(1.5, _clock.GetElapsedTime(start).TotalSeconds, 3);
        Assert.Equal(599, _clock.Tick().TotalSeconds, 3);
        Assert.Equal(1.5, _clock.GetElapsedTime(start).TotalSeconds, 3);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(2.5, _clock.GetElapsedTime(start).TotalSeconds, 3);
    }

    [Fact]
    public void Hub_that_is_always_late_still_grows_older()
    {
        long start = _clock.GetTimestamp();
        for (int i = 0; i <= 60; i++)
        {
            _ = _clock.Tick();
            _time.Advance(TimeSpan.FromSeconds(5));
        }
        Assert.InRange(_clock.GetElapsedTime(start).TotalSeconds, 60, 95);
    }
}

using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using PoolHub.Daemon.Operations;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Operations;

public sealed class ServiceNotifierTests
{
    [Fact]
    public async Task Systemd_hears_ready_when_both_doors_are_open_and_stopping_first_of_all()
    {
        await using TestHub hub = await TestHub.StartAsync();
        string ready = Assert.Single(hub.Systemd.States);
        Assert.Equal("READY=1\nSTATUS=0 miners online, 0 degraded; 0.0 matches/s", ready);
        _ = await hub.ConnectAsync();
        await hub.RestartAsync();
        Assert.StartsWith("STOPPING=1\nSTATUS=", hub.Systemd.States[1], StringComparison.Ordinal);
        Assert.StartsWith("READY=1", hub.Systemd.Last, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_that_takes_long_asks_systemd_for_more_time()
    {
        var time = new FakeTimeProvider();
        var systemd = new RecordingNotifier();
        await using (ServiceNotifier.ExtendStart(systemd, time, NullLogger.Instance))
        {
            Assert.Empty(systemd.States);
            time.Advance(TimeSpan.FromSeconds(40));
        }
        time.Advance(TimeSpan.FromSeconds(40));
        Assert.Equal(Enumerable.Repeat("EXTEND_TIMEOUT_USEC=60000000\nSTATUS=opening the store", 2), systemd.States);
    }

    [Fact]
    public async Task Every_sweep_feeds_the_watchdog_and_every_fifth_second_brings_the_status()
    {
        await using TestHub hub = await TestHub.StartAsync();
        _ = await hub.EnrolAsync("rig-1");
        for (int i = 0; i < 10; i++)
        {
            _ = await hub.MatchAsync($"job-{i}");
        }
        for (int second = 1; second < 5; second++)
        {
            hub.AdvanceSec(1);
            Assert.Equal("WATCHDOG=1", hub.Systemd.Last);
        }
        hub.AdvanceSec(1);
        Assert.Equal("WATCHDOG=1\nSTATUS=1 miners online, 0 degraded; 2.0 matches/s", hub.Systemd.Last);
        hub.AdvanceSec(5);
        Assert.Equal("WATCHDOG=1\nSTATUS=1 miners online, 0 degraded; 0.0 matches/s", hub.Systemd.Last);
        hub.AdvanceSec(5);
        Assert.Equal("WATCHDOG=1", hub.Systemd.Last);
    }

    [Fact]
    public async Task Nobody_feeds_the_watchdog_but_the_sweep()
    {
        await using TestHub hub = await TestHub.StartAsync();
        TcpMiner miner = await hub.EnrolAsync("rig-1");
        _ = await hub.MatchAsync("job-1");
        await miner.SendAsync(TcpMiner.HeartbeatOf(1));
        Assert.DoesNotContain(hub.Systemd.States, s => s.StartsWith("WATCHDOG", StringComparison.Ordinal));
    }
}

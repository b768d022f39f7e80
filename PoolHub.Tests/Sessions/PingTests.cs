using PoolHub.Protocol.Http;
using PoolHub.Protocol.Wire;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Sessions;

public sealed class PingTests
{
    [Fact]
    public async Task Pong_measures_the_round_trip_once()
    {
        await using TestHub hub = await TestHub.StartAsync();
        TcpMiner miner = await hub.EnrolAsync("m");
        Ping ping = await PingAsync(hub, miner);
        hub.Time.Advance(TimeSpan.FromMilliseconds(40));
        await miner.SendAsync(new Pong(ping.Nonce));
        await miner.BeatAsync(1);
        Assert.Equal(40, await RttAsync(hub));
        hub.Time.Advance(TimeSpan.FromMilliseconds(400));
        await miner.SendAsync(new Pong(ping.Nonce));
        await miner.BeatAsync(2);
        Assert.Equal(40, await RttAsync(hub));
        hub.Hub.SweepLoop.Sweep();
        Assert.Equal(40, (await hub.Http.GetAsync("/v1/health")).Read(HubJson.Default.HealthResponse).AvgLatencyMs);
    }

    [Fact]
    public async Task Pong_of_a_wrong_nonce_is_ignored_and_the_right_one_still_counts()
    {
        await using TestHub hub = await TestHub.StartAsync();
        TcpMiner miner = await hub.EnrolAsync("m");
        await miner.SendAsync(new Pong(1));
        Ping ping = await PingAsync(hub, miner);
        await miner.SendAsync(new Pong(ping.Nonce + 1));
        await miner.BeatAsync(1);
        Assert.Null(await RttAsync(hub));
        hub.Time.Advance(TimeSpan.FromMilliseconds(30));
        await miner.SendAsync(new Pong(ping.Nonce));
        await miner.BeatAsync(2);
        Assert.Equal(30, await RttAsync(hub));
    }

    [Fact]
    public async Task Pong_is_no_heartbeat()
    {
        await using TestHub hub = await TestHub.StartAsync();
        TcpMiner miner = await hub.EnrolAsync("m");
        Ping ping = await PingAsync(hub, miner);
        hub.Time.Advance(TimeSpan.FromSeconds(59));
        await miner.SendAsync(new Pong(ping.Nonce));
        // Its answer tells that the pong was taken; a refused message renews nothing.
        await miner.SendBodyAsync(0x91, 0x63);
        _ = await miner.ExpectAsync<Error>();
        hub.AdvanceSec(1);
        Assert.Equal("degraded", await hub.StateAsync("m"));
    }

    [Fact]
    public async Task Pings_come_about_every_quarter_of_the_lease()
    {
        await using var hub = new HubParts();
        PipeMiner miner = await hub.EnrolAsync("m");
        int pings = 0;
        for (int i = 0; i < 600; i++)
        {
            miner.Send(TcpMiner.HeartbeatOf(i));
            _ = await miner.ExpectAsync<HeartbeatAck>();
            hub.Time.Advance(TimeSpan.FromSeconds(1));
            hub.Sweep.Sweep();
            pings += miner.Drain() > 0 ? 1 : 0;
        }
        Assert.InRange(pings, 34, 48);
    }

    private static async Task<Ping> PingAsync(TestHub hub, TcpMiner miner)
    {
        hub.Hub.SweepLoop.Sweep();
        return await miner.ExpectAsync<Ping>();
    }

    private static async Task<double?> RttAsync(TestHub hub) => (await hub.ShowAsync("m")).Read(HubJson.Default.MinerSnapshot).RttMs;
}

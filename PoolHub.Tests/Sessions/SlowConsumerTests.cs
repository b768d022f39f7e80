using PoolHub.Protocol;
using PoolHub.Protocol.Wire;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Sessions;

public sealed class SlowConsumerTests
{
    /// <summary>What the pipe and the hub keep for a miner, and the message that went over it.</summary>
    private const int MostKeptBytes = 2 * 65_536 + 4_096;

    [Fact]
    public async Task Miner_that_does_not_read_is_closed_with_little_kept_for_it()
    {
        await using var hub = new HubParts();
        PipeMiner slow = await hub.EnrolAsync("slow");
        PipeMiner good = await hub.EnrolAsync("good");
        byte[] frame = TcpMiner.FrameOf(TcpMiner.HeartbeatOf(1));
        for (int i = 0; i < 50_000; i++)
        {
            slow.SendRaw(frame);
        }
        Assert.Equal(CloseReason.SlowConsumer, hub.Table.Find("slow")!.Channel!.Ended);
        good.Send(TcpMiner.HeartbeatOf(1));
        _ = await good.ExpectAsync<HeartbeatAck>();
        Assert.InRange(slow.Drain(), 65_536, MostKeptBytes);
        hub.Time.Advance(TimeSpan.FromSeconds(1));
        hub.Sweep.Sweep();
        await slow.Served.WaitAsync(TestHub.Patience, TestContext.Current.CancellationToken);
        Assert.Equal(1, hub.Conversations.Count);
    }

    [Fact]
    public async Task Little_that_is_not_read_for_five_seconds_ends_it_too()
    {
        await using var hub = new HubParts();
        PipeMiner slow = await hub.EnrolAsync("slow");
        byte[] frame = TcpMiner.FrameOf(TcpMiner.HeartbeatOf(1));
        for (int i = 0; i < 10_000; i++)
        {
            slow.SendRaw(frame);
        }
        hub.Sweep.Sweep();
        Assert.Null(hub.Table.Find("slow")!.Channel!.Ended);
        hub.Time.Advance(TimeSpan.FromSeconds(5));
        hub.Sweep.Sweep();
        Assert.Equal(CloseReason.SlowConsumer, hub.Table.Find("slow")!.Channel!.Ended);
    }

    [Fact]
    public async Task Miner_that_reads_again_gets_everything_in_order()
    {
        await using var hub = new HubParts();
        PipeMiner miner = await hub.EnrolAsync("m");
        const int heartbeats = 12_000;
        for (int i = 1; i <= heartbeats; i++)
        {
            miner.SendRaw(TcpMiner.FrameOf(TcpMiner.HeartbeatOf(i)));
        }
        for (int i = 1; i <= heartbeats; i++)
        {
            Assert.Equal(i, (await miner.ExpectAsync<HeartbeatAck>()).Seq);
        }
        hub.Time.Advance(TimeSpan.FromSeconds(5));
        hub.Sweep.Sweep();
        Assert.Null(hub.Table.Find("m")!.Channel!.Ended);
    }

    [Fact]
    public async Task Socket_that_is_not_read_is_closed_and_torn_down_while_others_go_on()
    {
        await using TestHub hub = await TestHub.StartAsync(("FRAME_RATE_LIMIT", "0"), ("BYTE_RATE_LIMIT", "0"));
        TcpMiner good = await hub.EnrolAsync("good");
        TcpMiner slow = await hub.EnrolAsync("slow");
        // Each heartbeat that is refused is answered at length; the one between lets the errors not count.
        byte[] pair =
        [
            .. TcpMiner.FrameOf(TcpMiner.HeartbeatOf(1, queueLen: -1)),
            .. TcpMiner.FrameOf(TcpMiner.HeartbeatOf(2)),
        ];
        byte[] many = [.. Enumerable.Repeat(pair, 2_000).SelectMany(b => b)];
        const string closes = "poolhub_closes_total{reason=\"slow_consumer\"}";
        for (int i = 1; await hub.MetricAsync(closes) == "0"; i++)
        {
            Assert.True(i < 1_000, "the hub kept everything");
            await slow.SendRawAsync(many);
            await good.BeatAsync(i);
        }
        hub.AdvanceSec(1);
        await hub.EndedAsync(CloseReason.SlowConsumer, 1);
        await good.BeatAsync(5_000);
        Assert.Equal("degraded", await hub.StateAsync("slow"));
    }
}

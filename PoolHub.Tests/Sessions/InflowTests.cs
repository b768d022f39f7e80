using PoolHub.Protocol;
using PoolHub.Protocol.Wire;
using PoolHub.Tests.Protocol;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Sessions;

/// <summary>What one connection may send.</summary>
public sealed class InflowTests
{
    [Fact]
    public async Task Frames_beyond_the_burst_end_the_conversation()
    {
        await using TestHub hub = await TestHub.StartAsync(("FRAME_RATE_LIMIT", "20"));
        TcpMiner miner = await hub.EnrolAsync("m");
        for (int i = 1; i <= 20; i++)
        {
            await miner.BeatAsync(i);
        }
        await miner.SendRawAsync([.. Enumerable.Range(21, 60).SelectMany(i => TcpMiner.FrameOf(TcpMiner.HeartbeatOf(i)))]);
        object? said;
        do
        {
            said = AnyMessage.Read(await miner.ReceiveAsync()).Message;
        }
        while (said is HeartbeatAck);
        Goodbye goodbye = Assert.IsType<Goodbye>(said);
        Assert.Equal(CloseReason.RateLimited, goodbye.Reason);
        Assert.InRange(goodbye.RetryAfterMs, 1_000, 4_000);
        // Its session goes on: it is the connection that was closed.
        _ = await hub.ResumeAsync("m", miner.Token);
    }

    [Fact]
    public async Task Bytes_beyond_the_burst_end_the_conversation_though_no_frame_is_whole()
    {
        await using TestHub hub = await TestHub.StartAsync(("BYTE_RATE_LIMIT", "1000"));
        TcpMiner miner = await hub.EnrolAsync("m");
        await miner.SendRawAsync([0, 0, 0xFF, 0, .. new byte[3_000]]);
        Assert.Equal("too much was sent in a second", (await miner.ExpectGoodbyeAsync(CloseReason.RateLimited)).Detail);
    }

    [Fact]
    public async Task What_stays_in_the_pipe_is_counted_once()
    {
        await using TestHub hub = await TestHub.StartAsync(("BYTE_RATE_LIMIT", "1000"));
        TcpMiner miner = await hub.EnrolAsync("m");
        byte[] frame = TcpMiner.FrameOf(TcpMiner.HeartbeatOf(1));
        for (int i = 0; i < 10; i++)
        {
            foreach (byte b in frame)
            {
                await miner.SendRawAsync([b]);
            }
            Assert.Equal(1, (await miner.ExpectAsync<HeartbeatAck>()).Seq);
        }
    }

    [Fact]
    public async Task WebSocket_messages_are_counted_too()
    {
        await using TestHub hub = await TestHub.StartAsync(("FRAME_RATE_LIMIT", "5"));
        WsMiner miner = await hub.ConnectWebAsync(await hub.RegisterAsync("m"));
        for (int i = 0; i < 30; i++)
        {
            await miner.SendTextAsync("""{"type":"heartbeat","queue_len":0}""");
        }
        using var patience = new CancellationTokenSource(TestHub.Patience);
        while (await hub.MetricAsync("poolhub_closes_total{reason=\"rate_limited\"}") == "0")
        {
            patience.Token.ThrowIfCancellationRequested();
        }
    }
}

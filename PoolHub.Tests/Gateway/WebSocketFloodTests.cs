using PoolHub.Protocol;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Gateway;

/// <summary>What comes over a WebSocket and is no message counts for the limits of a connection too.</summary>
public sealed class WebSocketFloodTests
{
    private const string Heartbeat = """{"queue_len":0}""";
    private const int FramesPerSec = 20;
    private const int Burst = 2 * FramesPerSec;

    [Theory]
    [InlineData(RawWsMiner.Ping, "/v1/miners/heartbeat")]
    [InlineData(RawWsMiner.Ping, "/V1/miners/Heartbeat/")]
    [InlineData(RawWsMiner.Continuation, "/v1/miners/heartbeat")]
    public async Task Frames_without_a_message_beyond_the_burst_end_the_conversation(byte kind, string path)
    {
        await using TestHub hub = await TestHub.StartAsync(("FRAME_RATE_LIMIT", $"{FramesPerSec}"));
        await using RawWsMiner miner = await RawWsMiner.ConnectAsync(hub.Hub.HttpEndPoint, await hub.RegisterAsync("m"), path);
        await miner.SendAsync(kind == RawWsMiner.Ping ? RawWsMiner.Ping : RawWsMiner.TextThatGoesOn);
        await miner.SendAsync(kind, times: Burst);
        await miner.ExpectGoodbyeAsync(CloseReason.RateLimited);
    }

    [Theory]
    [InlineData(RawWsMiner.Ping)]
    [InlineData(RawWsMiner.Continuation)]
    public async Task Flood_that_goes_on_after_the_goodbye_is_torn_down(byte kind)
    {
        await using TestHub hub = await TestHub.StartAsync(("FRAME_RATE_LIMIT", $"{FramesPerSec}"));
        await using RawWsMiner miner = await RawWsMiner.ConnectAsync(hub.Hub.HttpEndPoint, await hub.RegisterAsync("m"));
        await miner.SendAsync(kind == RawWsMiner.Ping ? RawWsMiner.Ping : RawWsMiner.TextThatGoesOn);
        Task flood = FloodAsync(miner, kind);
        await miner.ExpectGoodbyeAsync(CloseReason.RateLimited);
        Task end = miner.ExpectEndAsync();
        hub.AdvanceSec(0.9);
        Assert.False(end.IsCompleted);
        hub.AdvanceSec(0.1);
        await end;
        await flood;
        await hub.EndedAsync(CloseReason.RateLimited, 1);
    }

    [Fact]
    public async Task Bytes_of_pings_count()
    {
        await using TestHub hub = await TestHub.StartAsync(("BYTE_RATE_LIMIT", "1000"));
        await using RawWsMiner miner = await RawWsMiner.ConnectAsync(hub.Hub.HttpEndPoint, await hub.RegisterAsync("m"));
        await miner.SendAsync(RawWsMiner.Ping, new string('p', 94), times: 19);
        await miner.SendAsync(RawWsMiner.Text, Heartbeat);
        _ = await miner.ExpectAsync("ack");
        await miner.SendAsync(RawWsMiner.Ping, new string('p', 94));
        await miner.ExpectGoodbyeAsync(CloseReason.RateLimited);
    }

    [Fact]
    public async Task Traffic_within_the_limits_goes_on()
    {
        await using TestHub hub = await TestHub.StartAsync(("FRAME_RATE_LIMIT", $"{FramesPerSec}"));
        await using RawWsMiner miner = await RawWsMiner.ConnectAsync(hub.Hub.HttpEndPoint, await hub.RegisterAsync("m"));
        for (int second = 0; second < 3; second++)
        {
            // As many as are there again after a second, in all forms that count.
            await miner.SendAsync(RawWsMiner.Ping, "are you there", times: 9);
            await miner.SendAsync(RawWsMiner.TextThatGoesOn);
            await miner.SendAsync(RawWsMiner.Continuation, times: 9);
            await miner.SendAsync(0x80, Heartbeat);
            _ = await miner.ExpectAsync("ack");
            hub.Time.Advance(TimeSpan.FromSeconds(1));
        }
        await miner.SendAsync(RawWsMiner.Ping, times: Burst - 1);
        await miner.SendAsync(RawWsMiner.Text, Heartbeat);
        _ = await miner.ExpectAsync("ack");
    }

    private static async Task FloodAsync(RawWsMiner miner, byte kind)
    {
        try
        {
            while (true)
            {
                await miner.SendAsync(kind, times: 100);
                // Sending may complete at once again and again: the test itself is to have its turn.
                await Task.Yield();
            }
        }
        catch (IOException)
        {
            // It was torn down.
        }
    }
}

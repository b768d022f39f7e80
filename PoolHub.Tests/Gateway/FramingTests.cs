using PoolHub.Protocol;
using PoolHub.Protocol.Wire;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Gateway;

/// <summary>docs/protocol.md, "Frames", as the hub's TCP door reads them.</summary>
public sealed class FramingTests
{
    [Fact]
    public async Task Frame_split_at_any_byte_is_taken_when_it_is_whole()
    {
        await using var hub = new HubParts();
        PipeMiner miner = await hub.EnrolAsync("m");
        byte[] frame = TcpMiner.FrameOf(TcpMiner.HeartbeatOf(1));
        for (int cut = 1; cut < frame.Length; cut++)
        {
            miner.SendRaw(frame.AsSpan(0, cut));
            miner.ExpectSilence();
            miner.SendRaw(frame.AsSpan(cut));
            Assert.Equal(1, (await miner.ExpectAsync<HeartbeatAck>()).Seq);
        }
    }

    [Fact]
    public async Task Conversation_byte_by_byte_is_the_same()
    {
        await using var hub = new HubParts();
        PipeMiner miner = hub.Connect();
        SendByByte(miner, new Hello(1, [], "m", Samples.OwnKey, null));
        Assert.False((await miner.ExpectAsync<Welcome>()).Resumed);
        SendByByte(miner, new Register(Samples.Profile));
        _ = await miner.ExpectAsync<Registered>();
        SendByByte(miner, TcpMiner.HeartbeatOf(7));
        Assert.Equal(7, (await miner.ExpectAsync<HeartbeatAck>()).Seq);
    }

    [Fact]
    public async Task Heartbeats_in_one_write_are_answered_by_one_ack()
    {
        await using var hub = new HubParts();
        PipeMiner miner = await hub.EnrolAsync("m");
        miner.SendRaw([.. Enumerable.Range(1, 500).SelectMany(i => TcpMiner.FrameOf(TcpMiner.HeartbeatOf(i)))]);
        Assert.Equal(500, (await miner.ExpectAsync<HeartbeatAck>()).Seq);
        miner.ExpectSilence();
    }

    [Fact]
    public async Task Heartbeats_in_one_write_on_a_socket_are_all_acknowledged()
    {
        await using TestHub hub = await TestHub.StartAsync();
        TcpMiner miner = await hub.EnrolAsync("m");
        await miner.SendRawAsync([.. Enumerable.Range(1, 500).SelectMany(i => TcpMiner.FrameOf(TcpMiner.HeartbeatOf(i)))]);
        while ((await miner.ExpectAsync<HeartbeatAck>()).Seq < 500)
        {
        }
    }

    [Theory]
    [InlineData(new byte[] { 0x00, 0x01, 0x00, 0x01 }, CloseReason.FrameTooLong)]
    [InlineData(new byte[] { 0xff, 0xff, 0xff, 0xff }, CloseReason.FrameTooLong)]
    [InlineData(new byte[] { 0x47, 0x45, 0x54, 0x20 }, CloseReason.FrameTooLong)]
    [InlineData(new byte[] { 0x00, 0x00, 0x00, 0x00 }, CloseReason.Malformed)]
    public async Task Bad_prefix_ends_the_conversation_before_a_byte_of_the_body(byte[] prefix, CloseReason reason)
    {
        await using TestHub hub = await TestHub.StartAsync();
        TcpMiner miner = await hub.EnrolAsync("m");
        await miner.SendRawAsync(prefix);
        _ = await miner.ExpectGoodbyeAsync(reason);
    }

    [Theory]
    [InlineData("c1")]
    [InlineData("80")]
    [InlineData("90")]
    [InlineData("a0")]
    [InlineData("05")]
    [InlineData("91a141")]
    [InlineData("91cb3ff0000000000000")]
    [InlineData("91cf8000000000000000")]
    [InlineData("970501000000")]
    [InlineData("9205010203")]
    [InlineData("92059191919191919191919191")]
    [InlineData("dd7fffffff05")]
    [InlineData("9205dbffffffff41")]
    [InlineData("deadbeefdeadbeefdeadbeef")]
    public async Task Body_that_is_no_message_ends_the_conversation(string hex)
    {
        await using var hub = new HubParts();
        PipeMiner live = await hub.EnrolAsync("live");
        live.SendBody(Convert.FromHexString(hex));
        await live.ExpectGoodbyeAsync(CloseReason.Malformed);
        PipeMiner fresh = hub.Connect();
        fresh.SendBody(Convert.FromHexString(hex));
        await fresh.ExpectGoodbyeAsync(CloseReason.Malformed);
    }

    [Fact]
    public async Task Garbage_of_one_peer_harms_nobody_else()
    {
        await using TestHub hub = await TestHub.StartAsync();
        TcpMiner good = await hub.EnrolAsync("good");
        var random = new Random(1);
        for (int i = 1; i <= 50; i++)
        {
            TcpMiner bad = await hub.ConnectAsync();
            byte[] garbage = new byte[random.Next(4, 2_000)];
            random.NextBytes(garbage);
            garbage[0] = garbage[1] = 0;
            await bad.SendRawAsync(garbage);
            bad.FinishSending();
            while ((await bad.ReceiveAsync()).Length > 0)
            {
            }
            await good.BeatAsync(i);
            // Not so often that its address is shut out.
            hub.AdvanceSec(1);
        }
        Assert.Equal(["good"], await hub.MatchAsync());
    }

    [Fact]
    public async Task Everything_after_a_goodbye_of_the_hub_is_thrown_away()
    {
        await using var hub = new HubParts();
        PipeMiner miner = await hub.EnrolAsync("m");
        miner.SendBody(0xc1);
        await miner.ExpectGoodbyeAsync(CloseReason.Malformed);
        miner.SendRaw(new byte[10_000]);
        miner.Send(TcpMiner.HeartbeatOf(1));
        miner.ExpectSilence();
        Assert.False(miner.Served.IsCompleted);
        hub.Time.Advance(TimeSpan.FromSeconds(1));
        hub.Sweep.Sweep();
        await miner.Served.WaitAsync(TestHub.Patience, TestContext.Current.CancellationToken);
    }

    private static void SendByByte<T>(PipeMiner miner, T message)
        where T : struct, IMessage<T>
    {
        foreach (byte b in TcpMiner.FrameOf(message))
        {
            miner.SendRaw([b]);
        }
    }
}

using PoolHub.Protocol;
using PoolHub.Protocol.Client;
using PoolHub.Protocol.Wire;

namespace PoolHub.Tests.Protocol;

/// <summary>What a miner does in a conversation, over both forms of socket.</summary>
public sealed class MinerClientTests
{
    [Theory]
    [MemberData(nameof(ScriptedHub.Sockets), MemberType = typeof(ScriptedHub))]
    public async Task MinerClient_greets_registers_and_sends_heartbeats_at_the_assigned_pace(string socket)
    {
        await using ScriptedHub hub = await ScriptedHub.OverAsync(socket);
        await using var miner = RunningMiner.Start(hub.Address);
        HubConversation conversation = await hub.AcceptAsync();

        Hello hello = await conversation.ExpectAsync<Hello>();
        Assert.Equal((1, "miner-1", GoldenVectors.Key, null), (hello.Version, hello.MinerId, hello.ApiKey, hello.SessionToken));
        await conversation.SendAsync(new Welcome(1, [], "token-1", 3, 60, 15, Resumed: false));
        Assert.Equivalent(GoldenVectors.Profile, (await conversation.ExpectAsync<Register>()).Profile);
        await conversation.SendAsync(new Registered(60, 15));
        _ = await miner.UntilAsync(MinerClientState.Online);
        Assert.Equal(("token-1", 3), (miner.Client.SessionToken, miner.Client.Epoch));

        miner.Client.SetStatus(new MinerStatus(QueueLen: 2, AvgLatencyMs: 120, TempC: 61, MemFreeGb: 7.5));
        miner.Time.Advance(TimeSpan.FromSeconds(15));
        Heartbeat first = await conversation.ExpectAsync<Heartbeat>();
        Assert.Equal(new Heartbeat(1, first.TsMs, 2, 120, 61, 7.5), first);

        await conversation.SendAsync(new HeartbeatAck(1, 4));
        await conversation.SettleAsync();
        Assert.Equal((1, 1, 4), (miner.Client.HeartbeatsSent, miner.Client.HeartbeatsAcked, miner.Client.NextHeartbeatSec));
        miner.Time.Advance(TimeSpan.FromSeconds(3.9));
        await conversation.SettleAsync();
        miner.Time.Advance(TimeSpan.FromSeconds(0.1));
        Assert.Equal(2, (await conversation.ExpectAsync<Heartbeat>()).Seq);
    }

    [Theory]
    [MemberData(nameof(ScriptedHub.Sockets), MemberType = typeof(ScriptedHub))]
    public async Task MinerClient_whose_connection_broke_resumes_with_its_token(string socket)
    {
        await using ScriptedHub hub = await ScriptedHub.OverAsync(socket);
        await using var miner = RunningMiner.Start(hub.Address);
        HubConversation before = await hub.EnrolAsync("token-1");
        _ = await miner.UntilAsync(MinerClientState.Online);

        before.Break();
        MinerStateEventArgs change = await miner.UntilAsync(MinerClientState.BackingOff);
        Assert.Equal(CloseReason.Dropped, change.Reason);
        Assert.Equal(TimeSpan.FromSeconds(0.5), change.RetryIn);
        miner.Time.Advance(change.RetryIn);

        HubConversation after = await hub.AcceptAsync();
        Hello hello = await after.ExpectAsync<Hello>();
        Assert.Equal((null, "token-1"), (hello.ApiKey, hello.SessionToken));
        await after.SendAsync(new Welcome(1, [], "token-2", 1, 60, 15, Resumed: true));
        // No registration, and a heartbeat at once, since the lease may have all but run out.
        Assert.Equal(1, (await after.ExpectAsync<Heartbeat>()).Seq);
        Assert.Equal("token-2", miner.Client.SessionToken);
        Assert.Equal(2, miner.Client.Connections);
    }

    [Theory]
    [MemberData(nameof(ScriptedHub.Sockets), MemberType = typeof(ScriptedHub))]
    public async Task MinerClient_cancelled_says_goodbye_and_ends(string socket)
    {
        await using ScriptedHub hub = await ScriptedHub.OverAsync(socket);
        await using var miner = RunningMiner.Start(hub.Address);
        HubConversation conversation = await hub.EnrolAsync();
        _ = await miner.UntilAsync(MinerClientState.Online);
        miner.Leave();
        Assert.Equal(CloseReason.Leaving, (await conversation.ExpectAsync<Goodbye>()).Reason);
        await conversation.ExpectEndAsync();
        await conversation.DisposeAsync();
        await miner.EndAsync();
        Assert.Equal(MinerClientState.Stopped, miner.Client.State);
    }

    [Fact]
    public async Task MinerClient_cancelled_ends_although_the_hub_does_not_close()
    {
        await using ScriptedHub hub = ScriptedHub.OverTcp();
        await using var miner = RunningMiner.Start(hub.Address);
        HubConversation conversation = await hub.EnrolAsync();
        _ = await miner.UntilAsync(MinerClientState.Online);
        miner.Leave();
        _ = await conversation.ExpectAsync<Goodbye>();
        miner.Time.Advance(TimeSpan.FromSeconds(2));
        await miner.EndAsync();
    }

    [Fact]
    public async Task MinerClient_cancelled_while_it_waits_ends_at_once()
    {
        await using ScriptedHub hub = ScriptedHub.OverTcp();
        await using var miner = RunningMiner.Start(hub.Address);
        (await hub.EnrolAsync()).Break();
        _ = await miner.UntilAsync(MinerClientState.BackingOff);
        miner.Leave();
        await miner.EndAsync();
    }

    [Fact]
    public async Task MinerClient_abandoned_vanishes_without_a_goodbye_and_stays_away()
    {
        await using ScriptedHub hub = ScriptedHub.OverTcp();
        await using var miner = RunningMiner.Start(hub.Address);
        HubConversation conversation = await hub.EnrolAsync();
        _ = await miner.UntilAsync(MinerClientState.Online);
        await miner.Client.AbandonAsync();
        await conversation.ExpectEndAsync();
        await miner.EndAsync();
        Assert.Equal(MinerClientState.Stopped, miner.Client.State);
    }

    [Theory]
    [MemberData(nameof(ScriptedHub.Sockets), MemberType = typeof(ScriptedHub))]
    public async Task MinerClient_steps_over_messages_that_it_does_not_know(string socket)
    {
        await using ScriptedHub hub = await ScriptedHub.OverAsync(socket);
        await using var miner = RunningMiner.Start(hub.Address);
        HubConversation conversation = await hub.EnrolAsync();
        await conversation.SendBodyAsync(Convert.FromHexString("93cd03e7a3616263c0"));
        if (conversation is WebSocketConversation web)
        {
            await web.SendTextAsync("""{"type":"ping","nonce":1}""");
        }
        await conversation.SettleAsync();
        Assert.Equal(MinerClientState.Online, miner.Client.State);
        Assert.Equal(1, miner.Client.PingsAnswered);
    }

    [Theory]
    [InlineData("00000001c0", CloseReason.Malformed)]
    [InlineData("00000000", CloseReason.Malformed)]
    [InlineData("00000003930600", CloseReason.Malformed)]
    [InlineData("000000039306c0", CloseReason.Malformed)]
    [InlineData("00010001", CloseReason.FrameTooLong)]
    public async Task MinerClient_that_gets_no_sense_says_so_and_comes_back(string hex, CloseReason reason)
    {
        await using ScriptedHub hub = ScriptedHub.OverTcp();
        await using var miner = RunningMiner.Start(hub.Address);
        HubConversation conversation = await hub.EnrolAsync();
        await ((TcpConversation)conversation).SendRawAsync(Convert.FromHexString(hex));
        Assert.Equal(reason, (await conversation.ExpectAsync<Goodbye>()).Reason);
        await conversation.DisposeAsync();
        Assert.Equal(reason, (await miner.UntilAsync(MinerClientState.BackingOff)).Reason);
    }

    [Fact]
    public async Task MinerClient_that_hears_nothing_for_a_lease_drops_the_connection()
    {
        await using ScriptedHub hub = ScriptedHub.OverTcp();
        await using var miner = RunningMiner.Start(hub.Address);
        HubConversation conversation = await hub.EnrolAsync(nextHeartbeatSec: 20);
        _ = await miner.UntilAsync(MinerClientState.Online);
        for (int seq = 1; seq <= 3; seq++)
        {
            miner.Time.Advance(TimeSpan.FromSeconds(20));
            Assert.Equal(seq, (await conversation.ExpectAsync<Heartbeat>()).Seq);
        }
        miner.Time.Advance(TimeSpan.FromSeconds(20));
        await conversation.ExpectEndAsync();
        Assert.Contains("acknowledged nothing", (await miner.UntilAsync(MinerClientState.BackingOff)).Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task MinerClient_that_is_not_welcomed_in_time_drops_the_connection()
    {
        await using ScriptedHub hub = ScriptedHub.OverTcp();
        await using var miner = RunningMiner.Start(hub.Address);
        HubConversation conversation = await hub.AcceptAsync();
        _ = await conversation.ExpectAsync<Hello>();
        miner.Time.Advance(TimeSpan.FromSeconds(10));
        await conversation.ExpectEndAsync();
        Assert.Contains("did not welcome", (await miner.UntilAsync(MinerClientState.BackingOff)).Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(CloseReason.BadCredentials, "key is wrong")]
    [InlineData(CloseReason.KeyRevoked, "revoked")]
    [InlineData(CloseReason.UnsupportedVersion, "this hub speaks protocol version 2")]
    public async Task MinerClient_that_the_hub_will_not_have_stops_with_the_reason(CloseReason reason, string message)
    {
        await using ScriptedHub hub = ScriptedHub.OverTcp();
        await using var miner = RunningMiner.Start(hub.Address);
        HubConversation conversation = await hub.AcceptAsync();
        _ = await conversation.ExpectAsync<Hello>();
        string detail = reason == CloseReason.UnsupportedVersion ? "this hub speaks protocol version 2" : "";
        await conversation.SendAsync(new Goodbye(reason, detail, 0));
        MinerRefusedException error = await Assert.ThrowsAsync<MinerRefusedException>(miner.EndAsync);
        Assert.Equal(reason, error.Reason);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.Equal(MinerClientState.Stopped, miner.Client.State);
    }

    [Fact]
    public async Task MinerClient_whose_profile_the_hub_refuses_stops_and_names_the_field()
    {
        await using ScriptedHub hub = ScriptedHub.OverTcp();
        await using var miner = RunningMiner.Start(hub.Address);
        HubConversation conversation = await hub.AcceptAsync();
        _ = await conversation.ExpectAsync<Hello>();
        await conversation.SendAsync(new Welcome(1, [], "t", 1, 60, 15, Resumed: false));
        _ = await conversation.ExpectAsync<Register>();
        await conversation.SendAsync(new Error(ErrorCode.InvalidField, 3, "region", "is not served here"));
        _ = await conversation.ExpectAsync<Goodbye>();
        await conversation.DisposeAsync();
        MinerRefusedException error = await Assert.ThrowsAsync<MinerRefusedException>(miner.EndAsync);
        Assert.Equal("region", error.Field);
        Assert.Contains("region is not served here", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task MinerClient_with_a_mistyped_key_does_not_even_connect()
    {
        await using var miner = RunningMiner.Start(new Uri("tcp://127.0.0.1:1"), options => options with { ApiKey = GoldenVectors.Key[..^1] + "_" });
        Assert.Equal("api_key", (await Assert.ThrowsAsync<MinerRefusedException>(miner.EndAsync)).Field);
    }

    [Fact]
    public async Task MinerClient_with_a_profile_longer_than_a_frame_does_not_even_connect()
    {
        string[] capabilities = [.. Enumerable.Range(0, Limits.MaxCapabilities).Select(i => new string('本', 120) + i)];
        await using var miner = RunningMiner.Start(
            new Uri("tcp://127.0.0.1:1"), options => options with { Profile = options.Profile with { Capabilities = capabilities } });
        Assert.Equal("profile", (await Assert.ThrowsAsync<MinerRefusedException>(miner.EndAsync)).Field);
    }

    [Fact]
    public async Task MinerClient_reports_at_once_and_repeats_its_jobs_after_a_drop()
    {
        await using ScriptedHub hub = ScriptedHub.OverTcp();
        await using var miner = RunningMiner.Start(hub.Address, jitter: 0);
        HubConversation conversation = await hub.EnrolAsync();
        _ = await miner.UntilAsync(MinerClientState.Online);
        await miner.Client.ReportAsync(new MinerStatus(1, Busy: true, ["job-1"]));
        Update update = await conversation.ExpectAsync<Update>();
        Assert.Equal((1, true, "job-1", null), (update.QueueLen, update.Busy, update.CurrentJobs.Single(), update.Price));

        miner.Client.Drop();
        HubConversation after = await hub.AcceptAsync();
        _ = await after.ExpectAsync<Hello>();
        await after.SendAsync(new Welcome(1, [], "token-1", 1, 60, 15, Resumed: true));
        Assert.True((await after.ExpectAsync<Update>()).Busy);
        Assert.Equal(1, (await after.ExpectAsync<Heartbeat>()).QueueLen);
    }

    [Fact]
    public async Task MinerClient_whose_price_changed_while_away_registers_anew()
    {
        await using ScriptedHub hub = ScriptedHub.OverTcp();
        await using var miner = RunningMiner.Start(hub.Address);
        (await hub.EnrolAsync()).Break();
        MinerStateEventArgs away = await miner.UntilAsync(MinerClientState.BackingOff);
        await miner.Client.UpdatePriceAsync(new TokenPrice(5));
        miner.Time.Advance(away.RetryIn);
        HubConversation after = await hub.AcceptAsync();
        _ = await after.ExpectAsync<Hello>();
        await after.SendAsync(new Welcome(1, [], "token-1", 1, 60, 15, Resumed: true));
        Assert.Equal(new TokenPrice(5), (await after.ExpectAsync<Register>()).Profile.Price);
        _ = await after.ExpectAsync<Heartbeat>();
    }
}

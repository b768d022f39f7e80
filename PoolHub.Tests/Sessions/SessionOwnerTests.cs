using System.Net.WebSockets;
using PoolHub.Protocol;
using PoolHub.Protocol.Http;
using PoolHub.Protocol.Wire;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Sessions;

/// <summary>A token is good for the session that it was given for, while the key with which that was begun is the miner's.</summary>
public sealed class SessionOwnerTests
{
    [Fact]
    public async Task Token_of_a_stranger_who_claimed_an_id_and_never_registered_is_worth_nothing_to_its_owner()
    {
        await using TestHub hub = await TestHub.StartAsync(("ENROLLMENT", "open"));
        TcpMiner stranger = await hub.ConnectAsync();
        await stranger.HelloAsync("m", "the-key-of-a-stranger");
        await stranger.DisposeAsync();
        // The id is free once its socket is gone.
        await hub.UntilConversingAsync(0);
        TcpMiner owner = await hub.ConnectAsync();
        await owner.EnrolAsync("m", Samples.OwnKey);
        await ExpectStaleAsync(hub, "m", stranger.Token);
        await owner.BeatAsync(1);
    }

    [Fact]
    public async Task Tokens_that_a_thief_took_with_a_leaked_key_die_with_it()
    {
        await using TestHub hub = await TestHub.StartAsync();
        string leaked = await hub.IssueKeyAsync("m");
        TcpMiner owner = await hub.ConnectAsync();
        await owner.EnrolAsync("m", leaked);
        List<string> stolen = [owner.Token];
        for (int i = 0; i < 5; i++)
        {
            TcpMiner thief = await hub.ConnectAsync();
            await thief.HelloAsync("m", leaked);
            stolen.Add(thief.Token);
        }
        await hub.RestartAsync();
        (await hub.Admin.SendAsync(HttpMethod.Delete, "/v1/miners/m/key", null)).Expect(200);
        TcpMiner back = await hub.ConnectAsync();
        await back.EnrolAsync("m", await hub.IssueKeyAsync("m"));
        foreach (string token in stolen)
        {
            await ExpectStaleAsync(hub, "m", token);
        }
        await back.BeatAsync(1);
    }

    /// <summary>As after a kill between a hello and its registration, or a backup that was put back.</summary>
    [Fact]
    public async Task Token_of_a_session_that_the_store_does_not_know_is_not_the_next_ones()
    {
        await using TestHub hub = await TestHub.StartAsync();
        string key = await hub.IssueKeyAsync("m");
        TcpMiner first = await hub.ConnectAsync();
        await first.EnrolAsync("m", key);
        TcpMiner second = await hub.ConnectAsync();
        await second.HelloAsync("m", key);
        // It knows the first session alone, as the store does.
        await hub.RestartAsync();
        TcpMiner third = await hub.ConnectAsync();
        await third.HelloAsync("m", key);
        Assert.NotEqual(second.Welcome.Epoch, third.Welcome.Epoch);
        await third.SendAsync(new Register(Samples.Profile));
        _ = await third.ExpectAsync<Registered>();
        await ExpectStaleAsync(hub, "m", first.Token);
        await ExpectStaleAsync(hub, "m", second.Token);
        await third.BeatAsync(1);
    }

    [Fact]
    public async Task Token_lasts_as_long_as_its_key_when_that_is_rotated()
    {
        await using TestHub hub = await TestHub.StartAsync();
        string key = await hub.IssueKeyAsync("m");
        string token = await hub.RegisterAsync("m", key);
        string next = (await hub.Admin.PostAsync("/v1/miners/m/key/rotate?grace_sec=60")).Expect(200).Text("api_key");
        hub.AdvanceSec(59);
        (await RenewAsync(hub, token)).Expect(200);
        hub.AdvanceSec(1);
        Assert.Contains("key", (await RenewAsync(hub, token)).Expect(409).Text("detail"), StringComparison.Ordinal);
        await ExpectStaleAsync(hub, "m", token);
        string fresh = await hub.RegisterAsync("m", next);
        (await RenewAsync(hub, fresh)).Expect(200);
        (await hub.Admin.PostAsync("/v1/miners/m/key/rotate?grace_sec=0")).Expect(200);
        (await RenewAsync(hub, fresh)).Expect(409);
    }

    /// <summary>A miner that left, said hello anew and lost its connection before it registered.</summary>
    [Fact]
    public async Task Session_that_never_registered_resumes_into_registering_and_offers_nothing()
    {
        await using TestHub hub = await TestHub.StartAsync();
        string key = await hub.IssueKeyAsync("m");
        TcpMiner old = await hub.ConnectAsync();
        await old.EnrolAsync("m", key);
        await old.SendAsync(new Goodbye(CloseReason.Leaving, "", 0));
        await old.ExpectEndAsync();
        TcpMiner lost = await hub.ConnectAsync();
        await lost.HelloAsync("m", key);
        await lost.DisposeAsync();
        await hub.UntilConversingAsync(0);

        // Where a session is live at once, and where nobody can register, it is none.
        (await RenewAsync(hub, lost.Token)).Expect(409);
        (await hub.Http.PostAsync("/v1/miners/update", """{"queue_len":0}""", ("X-PoolHub-Session", lost.Token))).Expect(409);
        _ = await Assert.ThrowsAsync<WebSocketException>(() => hub.ConnectWebAsync(lost.Token));
        Assert.Empty(await hub.MatchAsync());

        TcpMiner back = await hub.ConnectAsync();
        await back.SendAsync(new Hello(1, [], "m", null, lost.Token));
        back.Welcome = await back.ExpectAsync<Welcome>();
        Assert.Equal((false, lost.Welcome.Epoch), (back.Welcome.Resumed, back.Welcome.Epoch));
        Assert.Empty(await hub.MatchAsync());
        await back.SendAsync(TcpMiner.HeartbeatOf(1));
        _ = await back.ExpectErrorAsync(ErrorCode.OutOfOrder, MessageNumber.Heartbeat);
        await back.SendAsync(new Register(Samples.Profile with { Price = new TokenPrice(7) }));
        _ = await back.ExpectAsync<Registered>();
        Assert.Equal(["m"], await hub.MatchAsync());
        await back.BeatAsync(1);
    }

    [Fact]
    public async Task What_the_session_before_offered_is_degraded_at_the_hello_of_the_next_and_gone_when_that_drops()
    {
        await using TestHub hub = await TestHub.StartAsync();
        string key = await hub.IssueKeyAsync("m");
        TcpMiner old = await hub.ConnectAsync();
        await old.EnrolAsync("m", key);
        TcpMiner next = await hub.ConnectAsync();
        await next.HelloAsync("m", key);
        Assert.Equal("degraded", await hub.StateAsync("m"));
        await next.DisposeAsync();
        await hub.UntilAsync("m", "offline");
        Assert.Empty(await hub.MatchAsync());
    }

    [Fact]
    public async Task New_session_begins_idle()
    {
        await using TestHub hub = await TestHub.StartAsync();
        string key = await hub.IssueKeyAsync("m");
        TcpMiner full = await hub.ConnectAsync();
        await full.EnrolAsync("m", key);
        await full.SendAsync(new Update(4, true, ["a", "b", "c", "d"], null));
        _ = await full.ExpectAsync<HeartbeatAck>();
        // What a live session registers says nothing of its load.
        await full.SendAsync(new Register(Samples.Profile with { Tags = ["new"] }));
        _ = await full.ExpectAsync<Registered>();
        Assert.Empty(await hub.MatchAsync());

        string token = await hub.RegisterAsync("m", key);
        Assert.Equal(["m"], await hub.MatchAsync());
        MinerSnapshot idle = (await hub.ShowAsync("m")).Read(HubJson.Default.MinerSnapshot);
        Assert.Equal((0, false), (idle.QueueLen, idle.Busy));
        (await hub.Http.PostAsync("/v1/miners/update", """{"queue_len":1,"busy":true}""", ("X-PoolHub-Session", token))).Expect(200);

        // A restart is no new session, and after it one is idle too.
        await hub.RestartAsync();
        Assert.Equal(1, (await hub.ShowAsync("m")).Read(HubJson.Default.MinerSnapshot).QueueLen);
        TcpMiner again = await hub.ConnectAsync();
        await again.EnrolAsync("m", key);
        Assert.Equal(0, (await hub.ShowAsync("m")).Read(HubJson.Default.MinerSnapshot).QueueLen);
    }

    private static Task<Answer> RenewAsync(TestHub hub, string token) =>
        hub.Http.GetAsync("/v1/miners/lease/renew", ("X-PoolHub-Session", token));

    private static async Task ExpectStaleAsync(TestHub hub, string minerId, string token)
    {
        TcpMiner miner = await hub.ConnectAsync();
        await miner.SendAsync(new Hello(1, [], minerId, null, token));
        _ = await miner.ExpectGoodbyeAsync(CloseReason.StaleSession);
        (await RenewAsync(hub, token)).Expect(409);
    }
}

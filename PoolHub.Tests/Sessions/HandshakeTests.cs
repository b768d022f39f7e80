using PoolHub.Protocol;
using PoolHub.Protocol.Wire;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Sessions;

/// <summary>docs/protocol.md, "Conversation": from the connection to the Welcome.</summary>
public sealed class HandshakeTests
{
    [Fact]
    public async Task Hello_with_the_key_is_welcomed_to_register()
    {
        await using TestHub hub = await TestHub.StartAsync();
        TcpMiner miner = await hub.ConnectAsync();
        await miner.HelloAsync("m", await hub.IssueKeyAsync("m"));
        Assert.False(miner.Welcome.Resumed);
        Assert.Equal((1, 60), (miner.Welcome.Version, miner.Welcome.LeaseTtlSec));
        Assert.Equal(hub.Time.GetUtcNow().ToUnixTimeMilliseconds(), miner.Welcome.Epoch >> 11);
        Assert.InRange(miner.Welcome.NextHeartbeatSec, 13, 17);
        Assert.Empty(await hub.MatchAsync());
        await miner.SendAsync(new Register(Samples.Profile));
        Assert.Equal(60, (await miner.ExpectAsync<Registered>()).LeaseTtlSec);
        Assert.Equal(["m"], await hub.MatchAsync());
    }

    [Fact]
    public async Task First_message_other_than_hello_is_refused()
    {
        await using TestHub hub = await TestHub.StartAsync();
        TcpMiner miner = await hub.ConnectAsync();
        await miner.SendAsync(TcpMiner.HeartbeatOf(1));
        _ = await miner.ExpectGoodbyeAsync(CloseReason.HelloExpected);
    }

    [Fact]
    public async Task Half_a_hello_for_two_seconds_is_refused_and_then_torn_down_and_silence_at_once()
    {
        await using TestHub hub = await TestHub.StartAsync();
        TcpMiner early = await hub.ConnectAsync();
        TcpMiner slow = await hub.ConnectAsync();
        TcpMiner silent = await hub.ConnectAsync();
        // All are open once a later one has been answered.
        await hub.EnrolAsync("m");
        await slow.SendRawAsync([0, 0, 0, 9]);
        await hub.UntilWaitingAsync(2);
        hub.AdvanceSec(1.9);
        await early.HelloAsync("e", await hub.IssueKeyAsync("e"));
        hub.AdvanceSec(0.1);
        await silent.ExpectEndAsync();
        _ = await slow.ExpectGoodbyeAsync(CloseReason.HelloTimeout);
        hub.AdvanceSec(1);
        await slow.ExpectEndAsync();
        await early.SendAsync(new Register(Samples.Profile));
        _ = await early.ExpectAsync<Registered>();
    }

    [Fact]
    public async Task Hello_without_a_registration_ends_with_the_lease()
    {
        await using TestHub hub = await TestHub.StartAsync();
        TcpMiner miner = await hub.ConnectAsync();
        await miner.HelloAsync("m", await hub.IssueKeyAsync("m"));
        hub.AdvanceSec(59);
        hub.AdvanceSec(1);
        _ = await miner.ExpectGoodbyeAsync(CloseReason.LeaseExpired);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(65_535)]
    public async Task Another_version_is_told_which_the_hub_speaks(int version)
    {
        await using TestHub hub = await TestHub.StartAsync();
        TcpMiner miner = await hub.ConnectAsync();
        await miner.SendAsync(new Hello(version, [], "m", "k", null));
        Assert.Equal("this hub speaks protocol version 1", (await miner.ExpectGoodbyeAsync(CloseReason.UnsupportedVersion)).Detail);
    }

    [Fact]
    public async Task Another_version_may_look_different_after_its_number()
    {
        await using TestHub hub = await TestHub.StartAsync();
        TcpMiner miner = await hub.ConnectAsync();
        await miner.SendBodyAsync(0x93, 0x01, 0x02, 0x80);
        _ = await miner.ExpectGoodbyeAsync(CloseReason.UnsupportedVersion);
    }

    [Fact]
    public async Task Hello_that_makes_no_sense_is_malformed_and_names_the_field()
    {
        await using TestHub hub = await TestHub.StartAsync();
        TcpMiner miner = await hub.ConnectAsync();
        await miner.SendAsync(new Hello(1, [], "no spaces", "k", null));
        Assert.Contains("miner_id", (await miner.ExpectGoodbyeAsync(CloseReason.Malformed)).Detail, StringComparison.Ordinal);
        TcpMiner both = await hub.ConnectAsync();
        await both.SendAsync(new Hello(1, [], "m", "k", "t"));
        _ = await both.ExpectGoodbyeAsync(CloseReason.Malformed);
    }

    [Fact]
    public async Task Wrong_key_and_unknown_miner_look_the_same()
    {
        await using TestHub hub = await TestHub.StartAsync();
        await hub.IssueKeyAsync("m");
        Goodbye wrong = await RefusedAsync("m");
        Goodbye unknown = await RefusedAsync("nobody");
        Assert.Equal(wrong, unknown);

        async Task<Goodbye> RefusedAsync(string id)
        {
            TcpMiner miner = await hub.ConnectAsync();
            await miner.SendAsync(new Hello(1, [], id, MinerKey.Create(), null));
            return await miner.ExpectGoodbyeAsync(CloseReason.BadCredentials);
        }
    }

    [Fact]
    public async Task Token_that_is_forged_stale_expired_or_anothers_is_stale()
    {
        await using TestHub hub = await TestHub.StartAsync();
        TcpMiner first = await hub.EnrolAsync("m");
        TcpMiner other = await hub.EnrolAsync("other");
        await RefusedAsync("m", "garbage");
        await RefusedAsync("m", first.Token[..^1] + (first.Token[^1] == 'A' ? 'B' : 'A'));
        await RefusedAsync("m", other.Token);
        // The one whose token it was has kept its session.
        await other.BeatAsync(1);
        string fresh = await hub.RegisterAsync("web");
        await first.SendAsync(new Goodbye(CloseReason.Leaving, "", 0));
        await first.ExpectEndAsync();
        await RefusedAsync("m", first.Token);
        hub.Time.Advance(TimeSpan.FromHours(24));
        await RefusedAsync("web", fresh);

        async Task RefusedAsync(string id, string token)
        {
            TcpMiner miner = await hub.ConnectAsync();
            await miner.SendAsync(new Hello(1, [], id, null, token));
            _ = await miner.ExpectGoodbyeAsync(CloseReason.StaleSession);
        }
    }

    [Fact]
    public async Task Token_brings_a_dropped_miner_back_at_once()
    {
        await using TestHub hub = await TestHub.StartAsync();
        TcpMiner miner = await hub.EnrolAsync("m");
        hub.AdvanceSec(50);
        await miner.DisposeAsync();
        await hub.UntilAsync("m", "degraded");
        TcpMiner back = await hub.ResumeAsync("m", miner.Token);
        Assert.Equal(miner.Welcome.Epoch, back.Welcome.Epoch);
        Assert.Equal("online", await hub.StateAsync("m"));
        // Its lease began anew.
        hub.AdvanceSec(59);
        Assert.Equal("online", await hub.StateAsync("m"));
        await back.BeatAsync(1);
    }

    [Fact]
    public async Task Token_survives_a_restart_of_the_hub()
    {
        await using TestHub hub = await TestHub.StartAsync();
        TcpMiner miner = await hub.EnrolAsync("m");
        await hub.RestartAsync();
        Assert.Equal("degraded", await hub.StateAsync("m"));
        TcpMiner back = await hub.ResumeAsync("m", miner.Token);
        await back.BeatAsync(1);
        Assert.Equal("online", await hub.StateAsync("m"));
    }

    [Fact]
    public async Task Newer_session_replaces_the_older_one()
    {
        await using TestHub hub = await TestHub.StartAsync();
        string key = await hub.IssueKeyAsync("m");
        TcpMiner older = await hub.ConnectAsync();
        await older.EnrolAsync("m", key);
        TcpMiner newer = await hub.ConnectAsync();
        await newer.EnrolAsync("m", key);
        _ = await older.ExpectGoodbyeAsync(CloseReason.Replaced);
        older.FinishSending();
        await older.ExpectEndAsync();
        await newer.BeatAsync(1);
        Assert.Equal("online", await hub.StateAsync("m"));
        TcpMiner resumed = await hub.ResumeAsync("m", newer.Token);
        _ = await newer.ExpectGoodbyeAsync(CloseReason.Replaced);
        await resumed.BeatAsync(1);
    }

    [Fact]
    public async Task Sixteenth_connection_in_a_minute_is_sent_away_until_its_ban_is_over()
    {
        await using TestHub hub = await TestHub.StartAsync();
        string key = await hub.IssueKeyAsync("m");
        // The miner is known, and counted, from its first session on.
        for (int i = 0; i < 16; i++)
        {
            await (await hub.ConnectAsync()).HelloAsync("m", key);
        }
        Assert.Equal(60_000, (await RefusedAsync()).RetryAfterMs);
        hub.Time.Advance(TimeSpan.FromSeconds(59));
        Assert.Equal(1_000, (await RefusedAsync()).RetryAfterMs);
        hub.Time.Advance(TimeSpan.FromSeconds(1));
        await (await hub.ConnectAsync()).EnrolAsync("m", key);

        async Task<Goodbye> RefusedAsync()
        {
            TcpMiner miner = await hub.ConnectAsync();
            await miner.SendAsync(new Hello(1, [], "m", key, null));
            return await miner.ExpectGoodbyeAsync(CloseReason.Flapping);
        }
    }
}

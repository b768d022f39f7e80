using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using PoolHub.Daemon.Access;
using PoolHub.Protocol;
using PoolHub.Protocol.Http;
using PoolHub.Protocol.Wire;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Access;

/// <summary>Who fails too often is banned, and who tries too often has to wait.</summary>
public sealed class LoginGuardTests
{
    private readonly HandClock _time = new();
    private readonly LoginGuard _guard;

    public LoginGuardTests() => _guard = new LoginGuard(new LoginOptions(FailureLimit: 3), _time, NullLogger<LoginGuard>.Instance);

    [Fact]
    public void Ban_comes_with_the_last_failure_and_lifts_by_itself_and_doubles()
    {
        AddressBlock here = From("192.0.2.1");
        for (int ban = 0; ban < 9; ban++)
        {
            for (int i = 0; i < 3; i++)
            {
                Assert.Null(_guard.Refuse(LoginKind.Hello, here, "m"));
                _guard.Failed(here, "m");
            }
            double seconds = Math.Min(30 * Math.Pow(2, ban), 3_600);
            LoginRefusal refused = _guard.Refuse(LoginKind.Hello, here, "m")!.Value;
            Assert.Equal((CloseReason.Banned, seconds), (refused.Reason, refused.RetryAfter.TotalSeconds));
            Assert.Equal(2, _guard.BannedCount);
            _time.Advance(TimeSpan.FromSeconds(seconds - 0.001));
            Assert.NotNull(_guard.Refuse(LoginKind.Hello, here, "m"));
            _time.Advance(TimeSpan.FromSeconds(0.001));
        }
    }

    [Fact]
    public void Failures_far_apart_are_not_counted_together()
    {
        AddressBlock here = From("192.0.2.1");
        for (int i = 0; i < 10; i++)
        {
            _guard.Failed(here, "m");
            _guard.Failed(here, "m");
            _time.Advance(LoginGuard.Window);
        }
        Assert.Null(_guard.Refuse(LoginKind.Hello, here, "m"));
    }

    [Fact]
    public void Miner_that_has_come_from_there_before_is_never_kept_out()
    {
        _guard.Succeeded(From("192.0.2.1"), "victim");
        for (int i = 0; i < 100; i++)
        {
            _guard.Failed(From("192.0.2.1"), "somebody");
            _guard.Failed(From("198.51.100.9"), "victim");
        }
        Assert.Null(_guard.Refuse(LoginKind.Hello, From("192.0.2.1"), "victim"));
        Assert.NotNull(_guard.Refuse(LoginKind.Hello, From("192.0.2.2"), "victim"));
        Assert.NotNull(_guard.Refuse(LoginKind.Hello, From("192.0.2.1"), "other"));
    }

    [Theory]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:3::1", false)]
    [InlineData("192.0.2.1", "::ffff:192.0.2.1", true)]
    [InlineData("192.0.2.1", "192.0.2.2", false)]
    [InlineData("0.0.0.1", "::1", false)]
    public void Address_is_an_ipv4_address_or_an_ipv6_64(string one, string other, bool same) => Assert.Equal(same, From(one) == From(other));

    [Fact]
    public void Rate_is_counted_by_address_and_by_miner()
    {
        var guard = new LoginGuard(new LoginOptions(HellosPerSec: 2), _time, NullLogger<LoginGuard>.Instance);
        for (int i = 0; i < 4; i++)
        {
            Assert.Null(guard.Refuse(LoginKind.Hello, From("192.0.2.1"), $"m-{i}"));
            Assert.Null(guard.Refuse(LoginKind.Hello, From($"198.51.100.{i}"), "m"));
        }
        LoginRefusal address = guard.Refuse(LoginKind.Hello, From("192.0.2.1"), "another")!.Value;
        Assert.Equal((CloseReason.RateLimited, 0.5), (address.Reason, address.RetryAfter.TotalSeconds));
        Assert.NotNull(guard.Refuse(LoginKind.Hello, From("192.0.2.2"), "m"));
        Assert.Null(guard.Refuse(LoginKind.Register, From("192.0.2.1"), "m"));
        _time.Advance(TimeSpan.FromSeconds(0.5));
        Assert.Null(guard.Refuse(LoginKind.Hello, From("192.0.2.1"), "another"));
        Assert.NotNull(guard.Refuse(LoginKind.Hello, From("192.0.2.1"), "another"));
    }

    [Fact]
    public void Strangers_use_up_neither_the_limit_of_a_name_while_banned_nor_that_of_who_came_in_with_it()
    {
        var guard = new LoginGuard(new LoginOptions(HellosPerSec: 2, FailureLimit: 1), _time, NullLogger<LoginGuard>.Instance);
        AddressBlock stranger = From("198.51.100.9");
        guard.Failed(stranger, "somebody");
        for (int i = 0; i < 10; i++)
        {
            Assert.Equal(CloseReason.Banned, guard.Refuse(LoginKind.Hello, stranger, "victim")!.Value.Reason);
        }
        // From elsewhere than before.
        Assert.Null(guard.Refuse(LoginKind.Hello, From("192.0.2.1"), "victim"));
        guard.Succeeded(From("192.0.2.1"), "victim");
        for (int i = 0; i < 10; i++)
        {
            _ = guard.Refuse(LoginKind.Hello, From($"203.0.113.{i}"), "victim");
        }
        Assert.NotNull(guard.Refuse(LoginKind.Hello, From("192.0.2.2"), "victim"));
        Assert.Null(guard.Refuse(LoginKind.Hello, From("192.0.2.1"), "victim"));
    }

    [Fact]
    public async Task Token_makes_its_miner_known_where_it_comes_from_also_over_http()
    {
        await using TestHub hub = await TestHub.StartAsync(("LOGIN_FAILURE_LIMIT", "2"));
        string key = await hub.IssueKeyAsync("m");
        string token = await hub.RegisterAsync("m", key);
        await hub.RestartAsync(("LOGIN_FAILURE_LIMIT", "2"));
        (await hub.Http.PostAsync("/v1/miners/update", """{"queue_len":0}""", ("X-PoolHub-Session", token))).Expect(200);
        for (int i = 0; i < 2; i++)
        {
            (await hub.Http.PostAsync("/v1/miners/register", Samples.Registration("m", MinerKey.Create()))).Expect(401);
        }
        (await hub.Http.PostAsync("/v1/miners/register", Samples.Registration("other", MinerKey.Create()))).Expect(429);
        (await hub.Http.PostAsync("/v1/miners/register", Samples.Registration("m", key))).Expect(200);
    }

    [Fact]
    public async Task Hello_with_a_token_counts_whether_it_is_right_or_not_and_a_request_does_not()
    {
        await using TestHub hub = await TestHub.StartAsync(("HELLO_RATE_LIMIT", "2"));
        string token = await hub.RegisterAsync("m");
        _ = await hub.ResumeAsync("m", token);
        for (int i = 0; i < 3; i++)
        {
            TcpMiner forger = await hub.ConnectAsync();
            await forger.SendAsync(new Hello(1, [], "m", null, "forged"));
            _ = await forger.ExpectGoodbyeAsync(CloseReason.StaleSession);
        }
        foreach (string either in (string[])["forged", token])
        {
            TcpMiner late = await hub.ConnectAsync();
            await late.SendAsync(new Hello(1, [], "m", null, either));
            Assert.Equal(500, (await late.ExpectGoodbyeAsync(CloseReason.RateLimited)).RetryAfterMs);
        }
        for (int i = 0; i < 10; i++)
        {
            (await hub.Http.GetAsync("/v1/miners/lease/renew", ("X-PoolHub-Session", token))).Expect(200);
        }
        hub.Time.Advance(TimeSpan.FromSeconds(0.5));
        _ = await hub.ResumeAsync("m", token);
    }

    [Fact]
    public async Task Hub_tells_the_ban_and_shows_it_and_lifts_it()
    {
        await using TestHub hub = await TestHub.StartAsync(("LOGIN_FAILURE_LIMIT", "2"));
        string key = await hub.IssueKeyAsync("m");
        for (int i = 0; i < 2; i++)
        {
            TcpMiner wrong = await hub.ConnectAsync();
            await wrong.SendAsync(new Hello(1, [], "m", "wrong", null));
            _ = await wrong.ExpectGoodbyeAsync(CloseReason.BadCredentials);
        }
        TcpMiner banned = await hub.ConnectAsync();
        await banned.SendAsync(new Hello(1, [], "m", key, null));
        Assert.Equal(30_000, (await banned.ExpectGoodbyeAsync(CloseReason.Banned)).RetryAfterMs);
        Answer refused = (await hub.Http.PostAsync("/v1/miners/register", Samples.Registration("m", key))).Expect(429);
        Assert.Equal(30, refused.RetryAfter!.Value.TotalSeconds);
        // No other secret is heard from there either; an admin who has been there before is.
        _ = (await hub.Coordinator.PostAsync("/v1/match", """{"job_id":"j"}""")).Expect(429);
        Assert.Equal("2", await hub.MetricAsync("poolhub_bans"));
        Assert.Equal("2", await hub.MetricAsync("poolhub_login_failures_total{of=\"miner\"}"));

        Answer list = (await hub.Admin.GetAsync("/v1/bans")).Expect(200);
        Assert.Equal(
            ["127.0.0.1 30 1", "m 30 1"],
            list.Read(HubJson.Default.BansResponse).Bans.Select(b => $"{b.Address ?? b.MinerId} {b.EndsInSec} {b.Count}").Order());
        _ = (await hub.Admin.SendAsync(HttpMethod.Delete, "/v1/bans?miner_id=m", null)).Expect(200);
        _ = (await hub.Admin.SendAsync(HttpMethod.Delete, "/v1/bans?miner_id=m", null)).Expect(404);
        Assert.Equal("1", await hub.MetricAsync("poolhub_bans"));
        hub.AdvanceSec(30);
        list = (await hub.Admin.GetAsync("/v1/bans")).Expect(200);
        Assert.Empty(list.Json.GetProperty("bans").EnumerateArray());
        await (await hub.ConnectAsync()).HelloAsync("m", key);
    }

    private static AddressBlock From(string address) => AddressBlock.Of(IPAddress.Parse(address));
}

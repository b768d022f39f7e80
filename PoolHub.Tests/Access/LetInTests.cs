using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using PoolHub.Protocol;
using PoolHub.Protocol.Http;
using PoolHub.Protocol.Wire;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Access;

/// <summary>docs/http-api.md, "Bans", at every door: a right credential is let in, whatever others did, also after a restart.</summary>
public sealed class LetInTests
{
    private static readonly (string, string)[] s_limits = [("LOGIN_FAILURE_LIMIT", "3"), ("HELLO_RATE_LIMIT", "4"), ("REGISTER_RATE_LIMIT", "4")];

    [Fact]
    public async Task Right_coordinator_admin_and_miner_come_in_after_a_restart_and_many_wrong_keys()
    {
        await using TestHub hub = await TestHub.StartAsync(s_limits);
        string key = await hub.IssueKeyAsync("m");
        await hub.RestartAsync(s_limits);
        for (int i = 0; i < 20; i++)
        {
            _ = await hub.Http.PostAsync("/v1/miners/register", Samples.Registration("m", MinerKey.Create()));
            _ = await new HubClient(hub.Http, $"a-wrong-secret-{i:00}").GetAsync("/v1/bans");
            _ = await RefusedAsync(hub, new Hello(1, [], "m", MinerKey.Create(), null));
        }
        Assert.Equal(["127.0.0.1"], await BannedAsync(hub));
        Assert.Empty(await hub.MatchAsync());
        _ = await hub.RegisterAsync("m", key);
        TcpMiner miner = await hub.ConnectAsync();
        await miner.EnrolAsync("m", key);
        await using WsMiner web = await hub.ConnectWebAsync(miner.Token);
        Assert.Equal(["m"], await hub.MatchAsync());
    }

    [Fact]
    public async Task Wrong_one_is_told_during_a_ban_for_how_long_and_not_whether_it_was_right_and_its_connection_ends()
    {
        await using TestHub hub = await TestHub.StartAsync(("LOGIN_FAILURE_LIMIT", "2"));
        string key = await hub.IssueKeyAsync("m");
        for (int i = 0; i < 2; i++)
        {
            _ = (await hub.Http.PostAsync("/v1/miners/register", Samples.Registration("m", MinerKey.Create()))).Expect(401);
        }
        List<string> answers = [];
        foreach ((string id, string wrong) in ((string, string)[])
            [("m", MinerKey.Create()), ("m", "guess"), ("nobody", MinerKey.Create()), ("m", Mistyped(key))])
        {
            answers.Add((await hub.Http.PostAsync("/v1/miners/register", Samples.Registration(id, wrong))).Expect(429).Body);
        }
        Assert.Single(answers.Distinct());
        Goodbye goodbye = await RefusedAsync(hub, new Hello(1, [], "m", "guess", null));
        Assert.Equal((CloseReason.Banned, 30_000), (goodbye.Reason, goodbye.RetryAfterMs));
        // Over HTTP each guess takes a new connection, whatever it is that is guessed.
        foreach ((string request, bool ends) in ((string, bool)[])
            [
                (Request("GET /v1/bans", "Authorization: Bearer a-wrong-admin-token"), true),
                (Request("POST /v1/match", "X-PoolHub-Secret: a-wrong-secret-of-one"), true),
                (Request("POST /v1/miners/register", "Content-Type: application/json", Samples.Registration("m", "guess")), true),
                (Request("GET /v1/bans", $"Authorization: Bearer {TestHub.AdminToken}"), false),
            ])
        {
            string answer = await AskAsync(hub, request, toTheEnd: ends);
            Assert.StartsWith(ends ? "HTTP/1.1 429" : "HTTP/1.1 200", answer, StringComparison.Ordinal);
            Assert.Equal(ends, answer.Contains("Connection: close", StringComparison.Ordinal));
            Assert.Equal(ends, answer.Contains("Retry-After: 30", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task Guesses_at_an_id_from_elsewhere_keep_its_owner_out_neither_by_a_ban_nor_by_the_rate_nor_by_flapping()
    {
        await using TestHub hub = await TestHub.StartAsync([.. s_limits, ("TRUSTED_PROXIES", "127.0.0.1"), ("FLAP_LIMIT_PER_MIN", "3")]);
        string key = await hub.IssueKeyAsync("m");
        string token = await hub.RegisterAsync("m", key);
        await hub.RestartAsync([.. s_limits, ("TRUSTED_PROXIES", "127.0.0.1"), ("FLAP_LIMIT_PER_MIN", "3")]);
        for (int i = 0; i < 40; i++)
        {
            _ = await hub.Http.PostAsync("/v1/miners/register", Samples.Registration("m", MinerKey.Create()), ("X-Forwarded-For", $"198.51.100.{i}"));
            _ = await hub.Http.PostAsync("/v1/miners/update", """{"queue_len":0}""", ("X-Forwarded-For", $"198.51.100.{i}"), ("X-PoolHub-Session", "forged"));
        }
        Assert.Contains("m", await BannedAsync(hub));
        _ = await hub.ResumeAsync("m", token);
        await (await hub.ConnectAsync()).EnrolAsync("m", key);
        _ = await hub.RegisterAsync("m", key);
    }

    [Fact]
    public async Task Genuine_token_is_heard_whatever_forged_ones_and_wrong_keys_have_used_up()
    {
        await using TestHub hub = await TestHub.StartAsync(("HELLO_RATE_LIMIT", "2"), ("REGISTER_RATE_LIMIT", "2"), ("LOGIN_FAILURE_LIMIT", "2"));
        string token = await hub.RegisterAsync("m");
        for (int i = 0; i < 4; i++)
        {
            Assert.Equal(CloseReason.StaleSession, (await RefusedAsync(hub, new Hello(1, [], "m", null, "forged"))).Reason);
            _ = (await hub.Http.GetAsync("/v1/miners/lease/renew", ("X-PoolHub-Session", "forged"))).Expect(401);
        }
        Assert.Equal(500, (await RefusedAsync(hub, new Hello(1, [], "m", null, "forged"))).RetryAfterMs);
        Assert.Equal(1, (await hub.Http.GetAsync("/v1/miners/lease/renew", ("X-PoolHub-Session", "forged"))).Expect(429).RetryAfter!.Value.TotalSeconds);
        _ = await Assert.ThrowsAsync<WebSocketException>(() => hub.ConnectWebAsync("forged"));
        // Nobody is banned for a token: a fleet whose tokens are worthless is no guesser.
        Assert.Empty(await BannedAsync(hub));
        for (int i = 0; i < 3; i++)
        {
            _ = await hub.ResumeAsync("m", token);
        }
        await using (WsMiner web = await hub.ConnectWebAsync(token))
        {
            Assert.Equal(500, (await RefusedAsync(hub, new Hello(1, [], "m", null, token))).RetryAfterMs);
        }
        for (int i = 0; i < 10; i++)
        {
            (await hub.Http.GetAsync("/v1/miners/lease/renew", ("X-PoolHub-Session", token))).Expect(200);
        }
    }

    [Fact]
    public async Task Mistyped_key_counts_as_a_failure_and_does_not_fill_the_log()
    {
        await using TestHub hub = await TestHub.StartAsync(("LOGIN_FAILURE_LIMIT", "30"), ("FLAP_LIMIT_PER_MIN", "0"));
        string key = await hub.IssueKeyAsync("m");
        for (int i = 0; i < 30; i++)
        {
            Goodbye goodbye = await RefusedAsync(hub, new Hello(1, [], "m", Mistyped(key), null));
            Assert.Equal(CloseReason.BadCredentials, goodbye.Reason);
            Assert.Contains("mistyped", goodbye.Detail, StringComparison.Ordinal);
        }
        Assert.Equal(CloseReason.Banned, (await RefusedAsync(hub, new Hello(1, [], "m", Mistyped(key), null))).Reason);
        _ = (await hub.Http.PostAsync("/v1/miners/register", Samples.Registration("m", Mistyped(key)))).Expect(429);
        Assert.Equal("32", await hub.MetricAsync("poolhub_login_failures_total{of=\"miner\"}"));
        await hub.EndedAsync(CloseReason.BadCredentials, 30);
        Assert.Equal(PoolHub.Daemon.Access.LinePace.LinesPerMinute, hub.Logs.Count("Information PoolHub.Daemon.Sessions.Conversations: conversation with"));
        _ = await hub.RegisterAsync("m", key);
    }

    [Fact]
    public async Task Lifting_a_ban_ends_it_and_does_no_harm_where_there_is_none()
    {
        await using TestHub hub = await TestHub.StartAsync(("LOGIN_FAILURE_LIMIT", "1"));
        _ = (await hub.Http.PostAsync("/v1/miners/register", Samples.Registration("m", MinerKey.Create()))).Expect(401);
        Answer list = (await hub.Admin.GetAsync("/v1/bans")).Expect(200);
        Assert.Equal(
            ["127.0.0.1 30 1", "m 30 1"],
            list.Read(HubJson.Default.BansResponse).Bans.Select(b => $"{b.Address ?? b.MinerId} {b.EndsInSec} {b.Count}").Order());
        Assert.Equal("2", await hub.MetricAsync("poolhub_bans"));
        for (int i = 0; i < 2; i++)
        {
            _ = (await hub.Admin.SendAsync(HttpMethod.Delete, "/v1/bans?miner_id=m", null)).Expect(200);
            _ = (await hub.Admin.SendAsync(HttpMethod.Delete, "/v1/bans?address=127.0.0.1", null)).Expect(200);
        }
        Assert.Equal("0", await hub.MetricAsync("poolhub_bans"));
        _ = (await hub.Http.PostAsync("/v1/miners/register", Samples.Registration("m", MinerKey.Create()))).Expect(401);
    }

    private static string Mistyped(string key) => key[..^1] + (key[^1] == 'a' ? 'b' : 'a');

    private static string Request(string line, string header, string body = "") =>
        $"{line} HTTP/1.1\r\nHost: hub\r\n{header}\r\nContent-Length: {body.Length}\r\n\r\n{body}";

    /// <summary>What comes back over a connection of its own, to its end or at once.</summary>
    private static async Task<string> AskAsync(TestHub hub, string request, bool toTheEnd)
    {
        using var stream = new NetworkStream(await Dial.ConnectAsync(hub.HttpEndPoint), ownsSocket: true);
        await stream.WriteAsync(Encoding.ASCII.GetBytes(request), TestContext.Current.CancellationToken);
        byte[] answer = new byte[4_096];
        int length = await stream.ReadAtLeastAsync(
            answer, toTheEnd ? answer.Length : 1, throwOnEndOfStream: false, TestContext.Current.CancellationToken).AsTask().WaitAsync(TestHub.Patience);
        return Encoding.ASCII.GetString(answer, 0, length);
    }

    private static async Task<Goodbye> RefusedAsync(TestHub hub, Hello hello)
    {
        await using TcpMiner miner = await TcpMiner.ConnectAsync(hub.TcpEndPoint);
        await miner.SendAsync(hello);
        return await miner.ExpectAsync<Goodbye>();
    }

    private static async Task<string[]> BannedAsync(TestHub hub) =>
        [.. (await hub.Admin.GetAsync("/v1/bans")).Expect(200).Read(HubJson.Default.BansResponse).Bans.Select(b => b.Address ?? b.MinerId!).Order(StringComparer.Ordinal)];
}

using System.Net;
using System.Text.Json;
using PoolHub.Protocol;
using PoolHub.Protocol.Client;
using PoolHub.Protocol.Http;
using PoolHub.Protocol.Wire;

namespace PoolHub.Tests.Protocol;

/// <summary>The clients that speak plain HTTP.</summary>
public sealed class HttpClientTests
{
    private const string Lease = """{"status":"online","lease_ttl_sec":60,"next_heartbeat_sec":15}""";

    [Fact]
    public async Task MinerClient_over_http_registers_updates_acknowledges_and_logs_out()
    {
        await using ScriptedHub hub = await ScriptedHub.OverWebAsync();
        hub.Answer(200, """{"status":"online","lease_ttl_sec":60,"next_heartbeat_sec":15,"session_token":"token-1"}""");
        await using var miner = RunningMiner.Start(hub.HttpAddress);
        _ = await miner.UntilAsync(MinerClientState.Online);
        (string line, _, string body) = await NextAsync(hub);
        Assert.Equal("POST /v1/miners/register", line);
        RegisterRequest register = JsonSerializer.Deserialize(body, HubJson.Default.RegisterRequest)!;
        Assert.Equal(("miner-1", GoldenVectors.Key), (register.MinerId, register.ApiKey));
        Assert.Equivalent(GoldenVectors.Profile, register.ToProfile(out _));
        Assert.Equal("token-1", miner.Client.SessionToken);

        hub.Answer(200, """
            {"status":"online","lease_ttl_sec":60,"next_heartbeat_sec":10,"session_token":"token-2",
             "commands":[{"command_id":4,"command":"drain","on":true},{"command_id":5,"command":"dance"}]}
            """);
        miner.Client.SetStatus(new MinerStatus(2, TempC: 70));
        miner.Time.Advance(TimeSpan.FromSeconds(15));
        (line, _, body) = await NextAsync(hub);
        Assert.Equal("POST /v1/miners/update", line);
        UpdateRequest update = JsonSerializer.Deserialize(body, HubJson.Default.UpdateRequest)!;
        Assert.Equal(("token-1", 2, false, 70), (update.SessionToken, update.QueueLen, update.Busy, update.TempC));
        await WaitAsync(() => miner.Client.CommandsReceived == 2 && miner.Client.Draining);
        Assert.Equal("token-2", miner.Client.SessionToken);

        hub.Answer(200, Lease);
        await miner.Client.ReportAsync(new MinerStatus(3, Busy: true, ["job-9"]));
        (_, _, body) = await NextAsync(hub);
        update = JsonSerializer.Deserialize(body, HubJson.Default.UpdateRequest)!;
        Assert.Equal("token-2", update.SessionToken);
        Assert.Equal([(4, true), (5, false)], update.CommandAcks!.Select(ack => (ack.CommandId, ack.Accepted)));
        Assert.Equal(["job-9"], update.CurrentJobs!);

        hub.Answer(200, """{"status":"offline"}""");
        miner.Leave();
        await miner.EndAsync();
        (line, _, body) = await NextAsync(hub);
        Assert.Equal(("POST /v1/miners/logout", """{"session_token":"token-2"}"""), (line, body));
    }

    [Fact]
    public async Task MinerClient_over_http_resumes_by_renewing_and_falls_back_to_its_key()
    {
        await using ScriptedHub hub = await ScriptedHub.OverWebAsync();
        hub.Answer(401, Problem(401, "the session is over"), "application/problem+json");
        hub.Answer(200, """{"status":"online","lease_ttl_sec":60,"next_heartbeat_sec":15,"session_token":"new"}""");
        await using var miner = RunningMiner.Start(hub.HttpAddress, options => options with { SessionToken = "old" });
        _ = await miner.UntilAsync(MinerClientState.Online);
        Assert.Equal(("GET /v1/miners/lease/renew", "old", ""), await NextAsync(hub));
        Assert.Equal("POST /v1/miners/register", (await NextAsync(hub)).Line);
        Assert.Equal("new", miner.Client.SessionToken);
    }

    [Fact]
    public async Task MinerClient_over_http_obeys_retry_after()
    {
        await using ScriptedHub hub = await ScriptedHub.OverWebAsync();
        hub.Answer(429, Problem(429, "too many registrations"), "application/problem+json", retryAfter: "9");
        await using var miner = RunningMiner.Start(hub.HttpAddress, jitter: 0);
        Assert.Equal(TimeSpan.FromSeconds(9), (await miner.UntilAsync(MinerClientState.BackingOff)).RetryIn);
    }

    [Fact]
    public async Task MinerClient_over_http_with_a_wrong_key_stops()
    {
        await using ScriptedHub hub = await ScriptedHub.OverWebAsync();
        hub.Answer(401, Problem(401, "unknown miner or wrong key"), "application/problem+json");
        await using var miner = RunningMiner.Start(hub.HttpAddress);
        Assert.Equal(CloseReason.BadCredentials, (await Assert.ThrowsAsync<MinerRefusedException>(miner.EndAsync)).Reason);
    }

    [Fact]
    public async Task MinerClient_over_http_with_a_refused_profile_stops_and_names_the_field()
    {
        await using ScriptedHub hub = await ScriptedHub.OverWebAsync();
        hub.Answer(400, Problem(400, "is not served here", "region"), "application/problem+json");
        await using var miner = RunningMiner.Start(hub.HttpAddress);
        Assert.Equal("region", (await Assert.ThrowsAsync<MinerRefusedException>(miner.EndAsync)).Field);
    }

    [Fact]
    public async Task CoordinatorClient_matches_and_sends_feedback()
    {
        await using ScriptedHub hub = await ScriptedHub.OverWebAsync();
        using var http = new HttpClient { BaseAddress = hub.HttpAddress };
        var coordinator = new CoordinatorClient(http, "secret");
        hub.Answer(200, """
            {"match_id":"m1","job_id":"j","candidates":[{"miner_id":"m","addr":"a:1","proto":"grpc","score":0.5,"price":0.75}],"explain":"x",
             "clauses":[{"clause":"online","left":1}]}
            """);
        MatchResponse match = await coordinator.MatchAsync(
            new MatchRequest { JobId = "j", Hints = new MatchHints { MaxPrice = new TokenPrice(80_000_000) } },
            TestContext.Current.CancellationToken);
        Assert.Equal(new TokenPrice(75_000_000), match.Candidates.Single().Price);
        Assert.Equal(("POST /v1/match", null, """{"job_id":"j","hints":{"max_price":0.8}}"""), await NextAsync(hub));

        hub.Answer(200, """{"status":"recorded","trust_score":0.55}""");
        FeedbackResponse feedback = await coordinator.FeedbackAsync(
            new FeedbackRequest { JobId = "j", MinerId = "m", Outcome = "completed" }, TestContext.Current.CancellationToken);
        Assert.Equal(("recorded", 0.55), (feedback.Status, feedback.TrustScore));
    }

    [Fact]
    public async Task CoordinatorClient_asks_why_and_why_not()
    {
        await using ScriptedHub hub = await ScriptedHub.OverWebAsync();
        using var http = new HttpClient { BaseAddress = hub.HttpAddress };
        var coordinator = new CoordinatorClient(http, "secret");
        CancellationToken cancel = TestContext.Current.CancellationToken;
        var request = new MatchRequest { JobId = "j" };

        hub.Answer(200, """
            {"job_id":"j","evaluated_at":"2026-01-01T12:00:00+00:00","passing":0,"candidates":[],"text":"t",
             "clauses":[{"clause":"accel","wanted":["cuda"],"left":0,"alone":2}],
             "relaxations":[{"clause":"accel","from":["cuda"],"found":2,"text":"accel cuda → any: 2"}]}
            """);
        ExplainResponse explained = await coordinator.ExplainAsync(request, cancel);
        Assert.Equal("cuda", Assert.Single(explained.Clauses[0].Wanted.Terms!));
        Assert.Null(explained.Relaxations[0].To);
        Assert.Equal(("POST /v1/match/explain", null, """{"job_id":"j"}"""), await NextAsync(hub));

        const string WhyNot = """
            {"miner_id":"m:1","job_id":"j","basis":"now","evaluated_at":"2026-01-01T12:00:00+00:00","text":"t",
             "failed":[{"clause":"max_price","value":0.9,"wanted":0.8}]}
            """;
        hub.Answer(200, WhyNot);
        Assert.Equal(0.9m, (await coordinator.WhyNotAsync(request, "m:1", cancel)).Failed[0].Value.Number);
        Assert.Equal(("POST /v1/match/why-not?miner_id=m%3A1", null, """{"job_id":"j"}"""), await NextAsync(hub));
        hub.Answer(200, WhyNot);
        Assert.Equal("now", (await coordinator.WhyNotAsync("abc", "m:1", cancel)).Basis);
        Assert.Equal("GET /v1/match/abc/why-not?miner_id=m%3A1", (await NextAsync(hub)).Line);

        hub.Answer(200, """
            {"match_id":"abc","matched_at":"2026-01-01T12:00:00+00:00","request":{"job_id":"j"},"candidates":[],"explain":"x","clauses":[],
             "weights":{"cap":1,"price":0,"latency":0,"trust":0,"load":0}}
            """);
        Assert.Equal("j", (await coordinator.DecisionAsync("abc", cancel)).Request.JobId);
        Assert.Equal("GET /v1/match/abc", (await NextAsync(hub)).Line);
    }

    [Fact]
    public async Task AdminClient_asks_for_what_its_methods_say()
    {
        await using ScriptedHub hub = await ScriptedHub.OverWebAsync();
        using var http = new HttpClient { BaseAddress = hub.HttpAddress };
        var admin = new AdminClient(http, "token");
        CancellationToken cancel = TestContext.Current.CancellationToken;

        hub.Answer(200, """{"miners":[]}""");
        Assert.Empty((await admin.ListMinersAsync(50, "a&b", "online", "eu", cancel)).Miners);
        Assert.Equal("GET /v1/miners?limit=50&cursor=a%26b&state=online&region=eu", (await NextAsync(hub)).Line);

        hub.Answer(200, """{"miner_id":"m:1","api_key":"phk_x"}""");
        Assert.Equal("phk_x", (await admin.IssueKeyAsync("m:1", cancel)).ApiKey);
        Assert.Equal("POST /v1/miners/m:1/key", (await NextAsync(hub)).Line);

        hub.Answer(200, """{"miner_id":"m","api_key":"phk_y"}""");
        _ = await admin.RotateKeyAsync("m", graceSec: 60, cancel);
        Assert.Equal("POST /v1/miners/m/key/rotate?grace_sec=60", (await NextAsync(hub)).Line);

        hub.Answer(200, """{"miner_id":"m","revoked":2}""");
        Assert.Equal(2, (await admin.RevokeKeyAsync("m", cancel)).Revoked);
        Assert.Equal("DELETE /v1/miners/m/key", (await NextAsync(hub)).Line);

        hub.Answer(200, """{"miner_id":"m","command_id":3,"status":"accepted"}""");
        CommandResponse command = await admin.SendCommandAsync("m", new CommandRequest { Command = "drain", On = true }, cancel);
        Assert.Equal("accepted", command.Status);
        Assert.Equal(("POST /v1/miners/m/commands", null, """{"command":"drain","on":true}"""), await NextAsync(hub));

        hub.Answer(200, """{"released":0}""");
        Assert.Equal(0, (await admin.AcceptLossAsync(cancel)).Released);
        Assert.Equal("POST /v1/miners/accept-loss", (await NextAsync(hub)).Line);
    }

    [Fact]
    public async Task HubException_carries_the_problem_and_reads_like_a_sentence()
    {
        await using ScriptedHub hub = await ScriptedHub.OverWebAsync();
        using var http = new HttpClient { BaseAddress = hub.HttpAddress };
        hub.Answer(429, Problem(429, "more than 20 matches a second", "job_id"), "application/problem+json", retryAfter: "2");
        HubException error = await Assert.ThrowsAsync<HubException>(() =>
            new CoordinatorClient(http, "s").MatchAsync(new MatchRequest(), TestContext.Current.CancellationToken));
        Assert.Equal((HttpStatusCode.TooManyRequests, TimeSpan.FromSeconds(2), "job_id"), (error.StatusCode, error.RetryAfter, error.Problem?.Field));
        Assert.Equal("job_id: more than 20 matches a second (try again in 2 s)", error.Message);
    }

    [Theory]
    [InlineData(502, "<html>Bad Gateway</html>", "text/html", "the hub answered 502 Bad Gateway")]
    [InlineData(500, "{", "application/problem+json", "the hub answered 500 Internal Server Error")]
    [InlineData(200, "<html>", "text/html", "did not answer as a hub does")]
    [InlineData(200, "null", "application/json", "did not answer as a hub does")]
    public async Task HubException_is_thrown_for_answers_that_are_no_hubs(int status, string body, string type, string message)
    {
        await using ScriptedHub hub = await ScriptedHub.OverWebAsync();
        using var http = new HttpClient { BaseAddress = hub.HttpAddress };
        hub.Answer(status, body, type);
        HubException error = await Assert.ThrowsAsync<HubException>(() =>
            new HealthClient(http).HealthAsync(TestContext.Current.CancellationToken));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task HubException_says_where_nothing_listens()
    {
        Uri nobody;
        await using (ScriptedHub hub = await ScriptedHub.OverWebAsync())
        {
            nobody = hub.HttpAddress;
        }
        using var http = new HttpClient { BaseAddress = nobody };
        HubException error = await Assert.ThrowsAsync<HubException>(() =>
            new HealthClient(http).HealthAsync(TestContext.Current.CancellationToken));
        Assert.Null(error.StatusCode);
        Assert.Equal($"cannot reach the hub at http://{nobody.Authority}: nothing listens there", error.Message);
    }

    private static string Problem(int status, string detail, string? field = null) => JsonSerializer.Serialize(
        new Problem { Type = "about:blank", Title = "Refused", Status = status, Detail = detail, Field = field }, HubJson.Default.Problem);

    private static async Task<(string Line, string? Session, string Body)> NextAsync(ScriptedHub hub) =>
        await hub.Requests.Reader.ReadAsync().AsTask().WaitAsync(ScriptedHub.Patience);

    /// <summary>For effects that no message tells of.</summary>
    private static async Task WaitAsync(Func<bool> holds)
    {
        using var patience = new CancellationTokenSource(ScriptedHub.Patience);
        while (!holds())
        {
            patience.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }
}

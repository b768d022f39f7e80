using PoolHub.Daemon.Matching;
using PoolHub.Protocol.Client;
using PoolHub.Protocol.Http;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Matching;

/// <summary>docs/http-api.md, "Holds" and "Batches", over HTTP.</summary>
public sealed class HoldEndpointTests
{
    private const string Match = "/v1/match";
    private const string Batch = "/v1/match/batch";

    [Fact]
    public async Task Match_holds_what_it_says_for_as_long_as_it_says()
    {
        await using TestHub hub = await TestHub.StartAsync();
        await hub.RegisterAsync("m");
        MatchResponse plain = await MatchAsync(hub);
        Assert.Null(Assert.Single(plain.Candidates).HoldExpiresInMs);
        MatchResponse held = await MatchAsync(hub, ",\"hold_ms\":2000");
        Assert.Equal(("m", 2000), (held.Candidates[0].MinerId, held.Candidates[0].HoldExpiresInMs));
        Assert.Equal(1, (await hub.ShowAsync("m")).Read(HubJson.Default.MinerSnapshot).Held);
        MatchResponse nobody = await MatchAsync(hub);
        Assert.Equal("nobody left after free_slots (1 → 0)", nobody.Explain);
        Assert.Equal("1", await hub.MetricAsync("poolhub_holds"));
        hub.Time.Advance(TimeSpan.FromMilliseconds(2000));
        Assert.Single((await MatchAsync(hub)).Candidates);
        Assert.Equal("0", await hub.MetricAsync("poolhub_holds"));
        Assert.Equal("1", await hub.MetricAsync("poolhub_holds_ended_total{reason=\"expiry\"}"));
    }

    [Fact]
    public async Task Setting_says_how_long_a_match_holds_that_does_not_say()
    {
        await using TestHub hub = await TestHub.StartAsync(("MATCH_HOLD_MS", "1500"));
        await hub.RegisterAsync("m");
        Assert.Equal(1500, Assert.Single((await MatchAsync(hub)).Candidates).HoldExpiresInMs);
        hub.AdvanceSec(2);
        Assert.Null(Assert.Single((await MatchAsync(hub, ",\"hold_ms\":0")).Candidates).HoldExpiresInMs);
        Assert.Single((await MatchAsync(hub)).Candidates);
    }

    [Fact]
    public void Reload_changes_how_long_a_match_holds_that_does_not_say()
    {
        var queries = new QueryReader(new MatchOptions(WeightProfiles.BuiltIn, HoldMs: 0));
        Assert.Equal((0, 7), (HoldMs(null), HoldMs(7)));
        queries.Reload(new MatchOptions(WeightProfiles.BuiltIn, HoldMs: 3_000));
        Assert.Equal((3_000, 0), (HoldMs(null), HoldMs(0)));

        int HoldMs(int? asked) =>
            queries.TryRead(new MatchRequest { JobId = "j", HoldMs = asked }, out MatchQuery? query, out _) ? query.HoldMs : -1;
    }

    [Fact]
    public async Task Client_renews_and_releases()
    {
        await using TestHub hub = await TestHub.StartAsync();
        await hub.RegisterAsync("a");
        await hub.RegisterAsync("b");
        CoordinatorClient client = Client(hub, out HttpClient http);
        using HttpClient _ = http;
        CancellationToken cancel = TestContext.Current.CancellationToken;
        MatchResponse match = await client.MatchAsync(new MatchRequest { JobId = "j", HoldMs = 1_000 }, cancel);
        hub.Time.Advance(TimeSpan.FromMilliseconds(900));
        HeldMiner[] renewed = await client.RenewAsync(match.MatchId, cancel: cancel);
        Assert.Equal(match.Candidates.Select(c => (c.MinerId, 1_000)), renewed.Select(h => (h.MinerId, h.HoldExpiresInMs)));
        HeldMiner one = Assert.Single(await client.RenewAsync(match.MatchId, "a", 5_000, cancel));
        Assert.Equal(("a", 5_000), (one.MinerId, one.HoldExpiresInMs));
        hub.Time.Advance(TimeSpan.FromMilliseconds(1_000));
        Assert.Equal(0, await client.ReleaseAsync(match.MatchId, "b", cancel));
        Assert.Equal(1, await client.ReleaseAsync(match.MatchId, cancel: cancel));
        Assert.Equal(0, await client.ReleaseAsync(match.MatchId, cancel: cancel));
        HubException over = await Assert.ThrowsAsync<HubException>(() => client.RenewAsync(match.MatchId, cancel: cancel));
        Assert.Equal(410, (int)over.StatusCode!);
        Assert.Equal(["a", "b"], (await hub.MatchAsync()).Order());
    }

    [Fact]
    public async Task Release_and_renew_refuse_what_makes_no_sense()
    {
        await using TestHub hub = await TestHub.StartAsync();
        await hub.RegisterAsync("m");
        string path = $"{Match}/{(await MatchAsync(hub, ",\"hold_ms\":60000")).MatchId}";
        foreach (string what in new[] { "release", "renew" })
        {
            (await hub.Http.PostAsync($"{path}/{what}")).Expect(401);
            (await hub.Coordinator.PostAsync($"{Match}/0123/{what}")).Expect(404);
            (await hub.Coordinator.PostAsync($"{path}/{what}", """{"miner_id":"other"}""")).Expect(404);
            (await hub.Coordinator.PostAsync($"{path}/{what}", """{"miner_id":"a b"}""")).ExpectField("miner_id");
            (await hub.Coordinator.PostAsync($"{path}/{what}", """{"miner":"m"}""")).ExpectField("miner");
            (await hub.Coordinator.PostAsync($"{path}/{what}", "[]")).Expect(400);
        }
        (await hub.Admin.PostAsync($"{path}/renew")).Expect(403);
        (await hub.Coordinator.PostAsync($"{path}/renew", """{"hold_ms":0}""")).ExpectField("hold_ms");
        (await hub.Coordinator.PostAsync($"{path}/renew", """{"hold_ms":600001}""")).ExpectField("hold_ms");
        (await hub.Coordinator.PostAsync(Match, """{"job_id":"j","hold_ms":-1}""")).ExpectField("hold_ms");
        (await hub.Coordinator.PostAsync(Match, """{"job_id":"j","hold_ms":600001}""")).ExpectField("hold_ms");
        // A match that held nothing is none that could be released.
        MatchResponse plain = await MatchAsync(hub);
        (await hub.Coordinator.PostAsync($"{Match}/{plain.MatchId}/release")).Expect(404);
        Assert.Equal(1, (await hub.Coordinator.PostAsync($"{path}/release")).Expect(200).Read(HubJson.Default.ReleaseResponse).Released);
    }

    [Theory]
    [InlineData("accepted", true, 2)]
    [InlineData("completed", false, 2)]
    [InlineData("rejected", true, 1)]
    [InlineData("failed", false, 1)]
    public async Task Feedback_ends_holds_once_even_when_it_is_a_duplicate(string outcome, bool named, int ended)
    {
        await using TestHub hub = await TestHub.StartAsync();
        await hub.RegisterAsync("a");
        await hub.RegisterAsync("b");
        for (int round = 0; round < 2; round++)
        {
            MatchResponse match = await MatchAsync(hub, ",\"hold_ms\":60000");
            string body = $$"""
                {"job_id":"j","miner_id":"a","outcome":"{{outcome}}"{{(named ? $",\"match_id\":\"{match.MatchId}\"" : "")}}}
                """;
            FeedbackResponse first = await ReportAsync(hub, body);
            Assert.Equal((round == 0 ? "recorded" : "duplicate", ended), (first.Status, first.Released));
            Assert.Null((await ReportAsync(hub, body)).Released);
            Assert.Equal(ended, (await hub.MatchAsync()).Length);
            (await hub.Coordinator.PostAsync($"{Match}/{match.MatchId}/release")).Expect(200);
        }
        Assert.Equal($"{ended * 2}", await hub.MetricAsync("poolhub_holds_ended_total{reason=\"feedback\"}"));
        (await hub.Coordinator.PostAsync("/v1/feedback", """{"job_id":"j","miner_id":"a","outcome":"failed","match_id":""}"""))
            .ExpectField("match_id");
    }

    [Fact]
    public async Task Miner_that_leaves_expires_or_registers_anew_ends_its_holds()
    {
        await using TestHub hub = await TestHub.StartAsync();
        string token = await hub.RegisterAsync("m");
        await MatchAsync(hub, ",\"hold_ms\":600000");
        (await hub.Http.PostAsync("/v1/miners/logout", $$"""{"session_token":"{{token}}"}""")).Expect(200);
        Assert.Equal("1", await hub.MetricAsync("poolhub_holds_ended_total{reason=\"gone\"}"));

        string key = (await hub.Admin.PostAsync("/v1/miners/m/key/rotate")).Expect(200).Text("api_key");
        await hub.RegisterAsync("m", key);
        await MatchAsync(hub, ",\"hold_ms\":600000");
        await hub.RegisterAsync("m", key);
        Assert.Equal("2", await hub.MetricAsync("poolhub_holds_ended_total{reason=\"gone\"}"));

        await MatchAsync(hub, ",\"hold_ms\":600000");
        hub.AdvanceSec(120);
        Assert.Equal("3", await hub.MetricAsync("poolhub_holds_ended_total{reason=\"gone\"}"));
        Assert.Equal("0", await hub.MetricAsync("poolhub_holds"));
    }

    [Fact]
    public async Task Batch_gives_no_slot_twice_and_answers_in_order()
    {
        await using TestHub hub = await TestHub.StartAsync();
        await hub.RegisterAsync("a");
        await hub.RegisterAsync("b");
        CoordinatorClient client = Client(hub, out HttpClient http);
        using HttpClient _ = http;
        MatchResponse[] answers = await client.MatchBatchAsync(
            [.. Enumerable.Range(0, 4).Select(i => new MatchRequest { JobId = $"j{i}", TopK = 1, HoldMs = i == 1 ? 0 : 1_000 })],
            TestContext.Current.CancellationToken);
        Assert.Equal(["j0", "j1", "j2", "j3"], answers.Select(a => a.JobId));
        Assert.Equal([1, 1, 1, 0], answers.Select(a => a.Candidates.Length));
        Assert.Equal(["a", "b"], new[] { answers[0], answers[2] }.Select(a => a.Candidates[0].MinerId).Order());
        Assert.Equal(answers[2].Candidates[0].MinerId, answers[1].Candidates[0].MinerId);
        Assert.Equal(4, answers.Select(a => a.MatchId).Distinct().Count());
    }

    [Theory]
    [InlineData("requests", """{}""")]
    [InlineData("requests", """{"requests":[]}""")]
    [InlineData("requests[1]", """{"requests":[{"job_id":"j","hold_ms":1000},null]}""")]
    [InlineData("requests[1].top_k", """{"requests":[{"job_id":"j","hold_ms":1000},{"job_id":"j","top_k":0}]}""")]
    [InlineData("requests[1].hints.region", """{"requests":[{"job_id":"j","hold_ms":1000},{"job_id":"j","hints":{"region":"EU"}}]}""")]
    [InlineData("requests[1].topk", """{"requests":[{"job_id":"j","hold_ms":1000},{"job_id":"j","topk":1}]}""")]
    [InlineData("hold_ms", """{"requests":[{"job_id":"j"}],"hold_ms":1000}""")]
    public async Task Batch_with_a_request_that_makes_no_sense_holds_nothing(string field, string body)
    {
        await using TestHub hub = await TestHub.StartAsync();
        await hub.RegisterAsync("m");
        (await hub.Coordinator.PostAsync(Batch, body)).ExpectField(field);
        Assert.Equal("0", await hub.MetricAsync("poolhub_holds"));
    }

    [Fact]
    public async Task Batch_takes_256_requests_and_no_more()
    {
        await using TestHub hub = await TestHub.StartAsync();
        (await hub.Http.PostAsync(Batch, Requests(1))).Expect(401);
        Assert.Equal(256, (await hub.Coordinator.PostAsync(Batch, Requests(256))).Expect(200).Read(HubJson.Default.BatchResponse).Answers.Length);
        (await hub.Coordinator.PostAsync(Batch, Requests(257))).ExpectField("requests");
    }

    [Fact]
    public async Task Herd_of_matches_gets_every_single_slot_miner_once()
    {
        await using TestHub hub = await TestHub.StartAsync();
        await Task.WhenAll(Enumerable.Range(0, 100).Select(i => hub.RegisterAsync($"m{i}")));
        for (int round = 0; round < 3; round++)
        {
            MatchResponse[] answers = await Task.WhenAll(Enumerable.Range(0, 200).Select(i => MatchAsync(hub, ",\"top_k\":1,\"hold_ms\":60000", $"j{i}")));
            Assert.Equal(100, answers.SelectMany(a => a.Candidates).Select(c => c.MinerId).Distinct().Count());
            Assert.Equal(100, answers.Count(a => a.Candidates.Length == 0));
            Answer[] releases = await Task.WhenAll(answers.Select(a => hub.Coordinator.PostAsync($"{Match}/{a.MatchId}/release")));
            Assert.Equal(100, releases.Sum(r => r.Expect(200).Read(HubJson.Default.ReleaseResponse).Released));
        }
    }

    private static string Requests(int count) =>
        $$"""{"requests":[{{string.Join(',', Enumerable.Repeat("""{"job_id":"j"}""", count))}}]}""";

    private static CoordinatorClient Client(TestHub hub, out HttpClient http)
    {
        http = new HttpClient { BaseAddress = new Uri($"http://{hub.Hub.HttpEndPoint}") };
        return new CoordinatorClient(http, TestHub.CoordinatorSecret);
    }

    private static async Task<MatchResponse> MatchAsync(TestHub hub, string more = "", string job = "j") =>
        (await hub.Coordinator.PostAsync(Match, $$"""{"job_id":"{{job}}"{{more}}}""")).Expect(200).Read(HubJson.Default.MatchResponse);

    private static async Task<FeedbackResponse> ReportAsync(TestHub hub, string body) =>
        (await hub.Coordinator.PostAsync("/v1/feedback", body)).Expect(200).Read(HubJson.Default.FeedbackResponse);
}

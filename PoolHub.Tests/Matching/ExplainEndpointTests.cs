using PoolHub.Protocol;
using PoolHub.Protocol.Http;
using PoolHub.Protocol.Wire;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Matching;

/// <summary>docs/http-api.md, "Why", over HTTP.</summary>
public sealed class ExplainEndpointTests
{
    private const string Explain = "/v1/match/explain";
    private const string WhyNot = "/v1/match/why-not?miner_id=";
    private const string Body = """{"job_id":"j"}""";
    private const string NoMatch = "/v1/match/019b4c3d2f0a7c5e8a1b6d4f90e2c713";

    [Fact]
    public async Task Explain_and_the_like_want_the_coordinators_secret()
    {
        await using TestHub hub = await TestHub.StartAsync();
        foreach (string path in (string[])[Explain, WhyNot + "m"])
        {
            (await hub.Http.PostAsync(path, Body)).Expect(401);
            (await hub.Admin.PostAsync(path, Body)).Expect(403);
        }
        foreach (string path in (string[])[NoMatch, NoMatch + "/why-not?miner_id=m"])
        {
            (await hub.Http.GetAsync(path)).Expect(401);
            (await hub.Admin.GetAsync(path)).Expect(404);
        }
    }

    [Fact]
    public async Task Wrong_request_is_refused_with_its_field()
    {
        await using TestHub hub = await TestHub.StartAsync();
        (await hub.Coordinator.PostAsync(Explain, """{"job_id":"j","topk":3}""")).ExpectField("topk");
        (await hub.Coordinator.PostAsync(Explain, """{"job_id":"j","hints":{"deadline_ms":0}}""")).ExpectField("hints.deadline_ms");
        (await hub.Coordinator.PostAsync(WhyNot + "m", """{"job_id":""}""")).ExpectField("job_id");
        (await hub.Coordinator.PostAsync(WhyNot, Body)).ExpectField("miner_id");
        (await hub.Coordinator.PostAsync("/v1/match/why-not", Body)).ExpectField("miner_id");
        (await hub.Coordinator.PostAsync(WhyNot + "a%20b", Body)).ExpectField("miner_id");
        (await hub.Coordinator.GetAsync(NoMatch + "/why-not")).ExpectField("miner_id");
    }

    [Fact]
    public async Task Explain_offers_relaxations_that_then_find_whom_they_promise()
    {
        await using TestHub hub = await TestHub.StartAsync();
        await EnrolAsync(hub, "m1", 82);
        await EnrolAsync(hub, "m2", 82);
        await EnrolAsync(hub, "m3", 95);
        const string Request = """{"job_id":"j","hints":{"max_price":0.8},"top_k":2}""";
        Answer answer = (await hub.Coordinator.PostAsync(Explain, Request)).Expect(200);
        ExplainResponse explained = answer.Read(HubJson.Default.ExplainResponse);
        Assert.Equal(hub.Time.GetUtcNow(), explained.EvaluatedAt);
        Assert.Equal("max_price 0.8 → 0.82: 2", Assert.Single(explained.Relaxations).Text);
        Assert.Equal("nobody left after max_price (3 → 0); max_price 0.8 → 0.82: 2", explained.Text);
        Assert.Contains(
            """{"clause":"max_price","from":0.8,"to":0.82,"found":2,"text":"max_price 0.8 → 0.82: 2"}""", answer.Body, StringComparison.Ordinal);
        Assert.Equal(2, (await MatchAsync(hub, Request.Replace("0.8", "0.82", StringComparison.Ordinal))).Candidates.Length);
    }

    [Fact]
    public async Task Why_not_of_an_unknown_miner_is_404_naming_the_field()
    {
        await using TestHub hub = await TestHub.StartAsync();
        // Has a key, and never registered.
        await hub.IssueKeyAsync("keyed");
        foreach (string id in (string[])["nobody", "keyed"])
        {
            Assert.Equal("miner_id", (await hub.Coordinator.PostAsync(WhyNot + id, Body)).Expect(404).Read(HubJson.Default.Problem).Field);
        }
    }

    [Fact]
    public async Task Why_not_says_offline_draining_dear_or_the_rank()
    {
        await using TestHub hub = await TestHub.StartAsync();
        await EnrolAsync(hub, "cheap", 10);
        await EnrolAsync(hub, "dear", 90);
        TcpMiner gone = await EnrolAsync(hub, "gone", 90);
        await gone.SendAsync(new Goodbye(CloseReason.Leaving, "", 0));
        await hub.UntilAsync("gone", "offline");
        const string Request = """{"job_id":"j","hints":{"max_price":0.8}}""";

        WhyNotResponse dear = await WhyNotAsync(hub, "dear", Request);
        Assert.Equal("dear fails max_price: has 0.9, wanted 0.8", dear.Text);
        WhyNotResponse offline = await WhyNotAsync(hub, "gone", Request);
        Assert.Equal(["online", "max_price"], offline.Failed.Select(f => f.Clause));
        WhyNotResponse cheap = await WhyNotAsync(hub, "cheap", Request);
        Assert.Equal((1, 1, "now"), (cheap.Rank, cheap.Passing, cheap.Basis));
        Assert.Equal(5, cheap.Miner!.Breakdown!.Length);
        WhyNotResponse second = await WhyNotAsync(hub, "dear", Body);
        Assert.Equal((2, "cheap"), (second.Rank, second.Winner!.MinerId));

        (await hub.Admin.PostAsync("/v1/miners/cheap/commands", """{"command":"drain","wait_ms":0}""")).Expect(200);
        FailedClause draining = Assert.Single((await WhyNotAsync(hub, "cheap", Request)).Failed);
        Assert.Equal(("available", "draining"), (draining.Clause, draining.Value.Text));
    }

    [Fact]
    public async Task Past_match_is_shown_as_it_was_decided()
    {
        await using TestHub hub = await TestHub.StartAsync();
        TcpMiner best = await EnrolAsync(hub, "best", 10);
        await EnrolAsync(hub, "next", 20);
        await EnrolAsync(hub, "third", 30);
        const string Request = """{"job_id":"j","hints":{"region":"eu"},"top_k":2,"weights":"cheapest","explain":"full"}""";
        DateTimeOffset then = hub.Time.GetUtcNow();
        MatchResponse match = await MatchAsync(hub, Request);
        await best.BeatAsync(1, queueLen: 4);
        hub.AdvanceSec(5);

        Answer answer = (await hub.Coordinator.GetAsync($"/v1/match/{match.MatchId}")).Expect(200);
        DecisionResponse decision = answer.Read(HubJson.Default.DecisionResponse);
        Assert.Equal((match.MatchId, then), (decision.MatchId, decision.MatchedAt));
        Assert.Contains($"\"request\":{Request}", answer.Body, StringComparison.Ordinal);
        Assert.Equal(match.Clauses, decision.Clauses);
        Assert.Equal(0.7, decision.Weights.Price);
        Assert.Equal(
            match.Candidates.Select(c => (c.MinerId, c.Score, string.Join(' ', (object[])c.Breakdown!))),
            decision.Candidates.Select(c => (c.MinerId, c.Score, string.Join(' ', (object[])c.Breakdown!))));

        // As the match saw it, although it is full by now.
        WhyNotResponse second = await WhyNotThenAsync(hub, match, "best");
        Assert.Equal(("match", then, 1, 3, match.MatchId), (second.Basis, second.EvaluatedAt, second.Rank, second.Passing, second.MatchId));
        // Not among the candidates: as it is now.
        WhyNotResponse third = await WhyNotThenAsync(hub, match, "third");
        Assert.Equal(("now", hub.Time.GetUtcNow(), 2, 2), (third.Basis, third.EvaluatedAt, third.Rank, third.Passing));
        Assert.Contains("as of now", third.Text, StringComparison.Ordinal);
        Assert.Equal(
            "miner_id", (await hub.Coordinator.GetAsync($"/v1/match/{match.MatchId}/why-not?miner_id=no")).Expect(404).Read(HubJson.Default.Problem).Field);
    }

    [Fact]
    public async Task Forgotten_match_is_404_that_says_how_many_are_kept()
    {
        await using TestHub hub = await TestHub.StartAsync();
        await MatchAsync(hub, Body);
        foreach (string path in (string[])[NoMatch, NoMatch + "/why-not?miner_id=m", "/v1/match/explain"])
        {
            Problem problem = (await hub.Coordinator.GetAsync(path)).Expect(404).Read(HubJson.Default.Problem);
            Assert.Equal("match_id", problem.Field);
            Assert.Contains("the last 10000 since its start, now 1", problem.Detail, StringComparison.Ordinal);
        }
    }

    private static async Task<TcpMiner> EnrolAsync(TestHub hub, string id, long hundredths)
    {
        TcpMiner miner = await hub.ConnectAsync();
        await miner.EnrolAsync(id, await hub.IssueKeyAsync(id), Samples.Profile with { Price = new TokenPrice(hundredths * 1_000_000) });
        return miner;
    }

    private static async Task<MatchResponse> MatchAsync(TestHub hub, string body) =>
        (await hub.Coordinator.PostAsync("/v1/match", body)).Expect(200).Read(HubJson.Default.MatchResponse);

    private static async Task<WhyNotResponse> WhyNotAsync(TestHub hub, string minerId, string body) =>
        (await hub.Coordinator.PostAsync(WhyNot + minerId, body)).Expect(200).Read(HubJson.Default.WhyNotResponse);

    private static async Task<WhyNotResponse> WhyNotThenAsync(TestHub hub, MatchResponse match, string minerId) =>
        (await hub.Coordinator.GetAsync($"/v1/match/{match.MatchId}/why-not?miner_id={minerId}")).Expect(200)
            .Read(HubJson.Default.WhyNotResponse);
}

using PoolHub.Protocol;
using PoolHub.Protocol.Http;
using PoolHub.Protocol.Wire;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Matching;

/// <summary>docs/http-api.md, "Matching", over HTTP.</summary>
public sealed class MatchEndpointTests
{
    private const string Match = "/v1/match";
    private const string Body = """{"job_id":"j"}""";

    [Fact]
    public async Task Match_wants_the_coordinators_secret_in_either_header()
    {
        await using TestHub hub = await TestHub.StartAsync();
        (await hub.Http.PostAsync(Match, Body)).Expect(401);
        (await hub.Http.PostAsync(Match, Body, ("X-PoolHub-Secret", "wrong"))).Expect(401);
        (await hub.Http.PostAsync(Match, Body, ("Authorization", $"Basic {TestHub.CoordinatorSecret}"))).Expect(401);
        (await hub.Admin.PostAsync(Match, Body)).Expect(403);
        foreach (string secret in new[] { TestHub.CoordinatorSecret, TestHub.SecondCoordinatorSecret })
        {
            (await hub.Http.PostAsync(Match, Body, ("X-PoolHub-Secret", secret))).Expect(200);
            (await hub.Http.PostAsync(Match, Body, ("Authorization", $"Bearer {secret}"))).Expect(200);
        }
    }

    [Theory]
    [InlineData("job_id", """{}""")]
    [InlineData("job_id", """{"job_id":""}""")]
    [InlineData("job_id", """{"job_id":7}""")]
    [InlineData("topk", """{"job_id":"j","topk":3}""")]
    [InlineData("requirements.min_vram", """{"job_id":"j","requirements":{"min_vram":8}}""")]
    [InlineData("requirements.min_vram_gb", """{"job_id":"j","requirements":{"min_vram_gb":-1}}""")]
    [InlineData("requirements.min_vram_gb", """{"job_id":"j","requirements":{"min_vram_gb":1e999}}""")]
    [InlineData("requirements.min_vram_gb", """{"job_id":"j","requirements":{"min_vram_gb":"NaN"}}""")]
    [InlineData("requirements.accel", """{"job_id":"j","requirements":{"accel":[""]}}""")]
    [InlineData("hints.region", """{"job_id":"j","hints":{"region":"EU"}}""")]
    [InlineData("hints.max_price", """{"job_id":"j","hints":{"max_price":-1}}""")]
    [InlineData("hints.deadline_ms", """{"job_id":"j","hints":{"deadline_ms":0}}""")]
    [InlineData("top_k", """{"job_id":"j","top_k":0}""")]
    [InlineData("top_k", """{"job_id":"j","top_k":101}""")]
    [InlineData("weights", """{"job_id":"j","weights":"dearest"}""")]
    [InlineData("explain", """{"job_id":"j","explain":"some"}""")]
    [InlineData("exclude", """{"job_id":"j","exclude":"m"}""")]
    [InlineData("exclude[1]", """{"job_id":"j","exclude":["m","a b"]}""")]
    [InlineData("exclude[1]", """{"job_id":"j","exclude":["m",7]}""")]
    [InlineData("spread_by", """{"job_id":"j","spread_by":"rack"}""")]
    public async Task Match_that_makes_no_sense_is_refused_with_its_field(string field, string body)
    {
        await using TestHub hub = await TestHub.StartAsync();
        (await hub.Coordinator.PostAsync(Match, body)).ExpectField(field);
    }

    [Theory]
    [InlineData("""{"job_id":"j","requirements":{"min_vram_gb":NaN}}""")]
    [InlineData("null")]
    [InlineData("")]
    public async Task Match_that_is_no_json_is_refused(string body)
    {
        await using TestHub hub = await TestHub.StartAsync();
        (await hub.Coordinator.PostAsync(Match, body)).Expect(400);
    }

    [Fact]
    public async Task Match_answers_the_best_with_their_breakdown_on_request()
    {
        await using TestHub hub = await TestHub.StartAsync();
        await EnrolAsync(hub, "cheap", 1, 24);
        await EnrolAsync(hub, "dear", 100, 24);
        MatchResponse plain = await MatchAsync(hub, """{"job_id":"j"}""");
        Assert.All(plain.Candidates, c => Assert.Null(c.Breakdown));
        MatchResponse full = await MatchAsync(hub, """{"job_id":"j","top_k":1,"weights":"cheapest","explain":"full"}""");
        Candidate best = Assert.Single(full.Candidates);
        Assert.Equal(("cheap", "10.0.3.7:9000", "grpc"), (best.MinerId, best.Addr, best.Proto));
        Assert.Equal(["cap", "price", "latency", "trust", "load"], best.Breakdown!.Select(t => t.Term));
        Assert.Equal(best.Score, best.Breakdown!.Sum(t => t.Contribution), 3);
        Assert.NotEqual(
            plain.Candidates.Single(c => c.MinerId == "cheap").Score, best.Score);
    }

    [Fact]
    public async Task Match_of_nobody_names_the_clause()
    {
        await using TestHub hub = await TestHub.StartAsync();
        await EnrolAsync(hub, "m", 5, 24);
        MatchResponse answer = await MatchAsync(hub, """{"job_id":"j","requirements":{"min_vram_gb":80}}""");
        Assert.Empty(answer.Candidates);
        Assert.Contains("min_vram_gb (1 → 0)", answer.Explain, StringComparison.Ordinal);
        Assert.Equal(0, answer.Clauses.Single(c => c.Clause == "min_vram_gb").Left);
    }

    [Fact]
    public async Task Match_sees_queues_and_degraded_miners()
    {
        await using TestHub hub = await TestHub.StartAsync();
        TcpMiner full = await EnrolAsync(hub, "full", 5, 24);
        TcpMiner dropped = await EnrolAsync(hub, "dropped", 5, 24);
        await EnrolAsync(hub, "free", 5, 24);
        await full.BeatAsync(1, queueLen: 4);
        await dropped.DisposeAsync();
        await hub.UntilAsync("dropped", "degraded");
        MatchResponse answer = await MatchAsync(hub, """{"job_id":"j"}""");
        Assert.Equal([("free", (bool?)null), ("dropped", true)], answer.Candidates.Select(c => (c.MinerId, c.Degraded)));
        Assert.Equal("free", Assert.Single((await MatchAsync(hub, """{"job_id":"j","top_k":1}""")).Candidates).MinerId);
    }

    private static async Task<TcpMiner> EnrolAsync(TestHub hub, string id, long price, double vramGb)
    {
        TcpMiner miner = await hub.ConnectAsync();
        await miner.EnrolAsync(id, await hub.IssueKeyAsync(id), Samples.Profile with { Price = new TokenPrice(price), GpuVramGb = vramGb });
        return miner;
    }

    private static async Task<MatchResponse> MatchAsync(TestHub hub, string body) =>
        (await hub.Coordinator.PostAsync(Match, body)).Expect(200).Read(HubJson.Default.MatchResponse);
}

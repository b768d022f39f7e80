using System.Text.Json.Nodes;
using PoolHub.Protocol.Http;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Trust;

/// <summary>docs/http-api.md, "Feedback", over HTTP.</summary>
public sealed class FeedbackEndpointTests
{
    private const string Path = "/v1/feedback";

    [Theory]
    [InlineData("accepted", 0)]
    [InlineData("rejected", -1)]
    [InlineData("failed", -1)]
    [InlineData("completed", 1)]
    public async Task Outcome_is_recorded_once_and_moves_the_score(string outcome, int direction)
    {
        await using TestHub hub = await TestHub.StartAsync();
        await hub.RegisterAsync("m");
        string body = Body("j", outcome);
        FeedbackResponse first = await ReportAsync(hub, body);
        Assert.Equal("recorded", first.Status);
        Assert.Equal(direction, Math.Sign(first.TrustScore - 0.5));
        FeedbackResponse second = await ReportAsync(hub, body);
        Assert.Equal(("duplicate", first.TrustScore), (second.Status, second.TrustScore));
        Assert.Equal(first.TrustScore, (await hub.ShowAsync("m")).Read(HubJson.Default.MinerSnapshot).TrustScore);
        Assert.Equal("1", await hub.MetricAsync($"poolhub_feedback_total{{outcome=\"{outcome}\"}}"));
    }

    [Fact]
    public async Task Failures_that_are_the_jobs_do_not_count()
    {
        await using TestHub hub = await TestHub.StartAsync();
        await hub.RegisterAsync("m");
        Assert.Equal(0.5, (await ReportAsync(hub, Body("j", "failed", ",\"fail_code\":\"bad_input\""))).TrustScore);
    }

    [Fact]
    public async Task Score_falls_with_every_failure_until_the_miner_is_ejected()
    {
        await using TestHub hub = await TestHub.StartAsync();
        for (int i = 0; i < 10; i++)
        {
            await hub.RegisterAsync($"m{i}");
        }
        double before = 0.5;
        for (int i = 0; i < 5; i++)
        {
            FeedbackResponse receipt = await ReportAsync(hub, Body($"j{i}", "failed").Replace("\"m\"", "\"m0\"", StringComparison.Ordinal));
            Assert.True(receipt.TrustScore < before);
            before = receipt.TrustScore;
            Assert.Equal(i == 4 ? 30 : null, receipt.EjectedForSec);
        }
        Assert.DoesNotContain("m0", await hub.MatchAsync());
        Assert.Equal(30, (await hub.ShowAsync("m0")).Json.GetProperty("ejected_for_sec").GetInt32());
        hub.AdvanceSec(30);
        Assert.Contains("m0", await hub.MatchAsync());
    }

    [Fact]
    public async Task Latency_of_a_completed_job_teaches_its_eta()
    {
        await using TestHub hub = await TestHub.StartAsync();
        await hub.RegisterAsync("m");
        await ReportAsync(hub, Body("j", "completed", ",\"latency_ms\":420,\"tokens_spent\":0.5"));
        MatchResponse answer = (await hub.Coordinator.PostAsync("/v1/match", """{"job_id":"x"}""")).Read(HubJson.Default.MatchResponse);
        Assert.Equal(420, Assert.Single(answer.Candidates).EtaMs);
    }

    [Fact]
    public async Task Feedback_wants_a_known_miner_the_coordinators_secret_and_the_store()
    {
        await using TestHub hub = await TestHub.StartAsync();
        await hub.RegisterAsync("m");
        (await hub.Http.PostAsync(Path, Body("j", "failed"))).Expect(401);
        (await hub.Admin.PostAsync(Path, Body("j", "failed"))).Expect(403);
        (await hub.Http.PostAsync(Path, Body("j", "failed"), ("X-PoolHub-Secret", TestHub.SecondCoordinatorSecret))).Expect(200);
        (await hub.Coordinator.PostAsync(Path, """{"job_id":"j","miner_id":"nobody","outcome":"failed"}""")).Expect(404);
        hub.BreakStore();
        Assert.NotNull((await hub.Coordinator.PostAsync(Path, Body("k", "failed"))).Expect(503).RetryAfter);
        hub.MendStore();
        Assert.Equal("recorded", (await ReportAsync(hub, Body("k", "failed"))).Status);
    }

    [Theory]
    [InlineData("job_id", """{"miner_id":"m","outcome":"failed"}""")]
    [InlineData("miner_id", """{"job_id":"j","outcome":"failed"}""")]
    [InlineData("miner_id", """{"job_id":"j","miner_id":"a b","outcome":"failed"}""")]
    [InlineData("outcome", """{"job_id":"j","miner_id":"m"}""")]
    [InlineData("outcome", """{"job_id":"j","miner_id":"m","outcome":"lost"}""")]
    [InlineData("latency_ms", """{"job_id":"j","miner_id":"m","outcome":"failed","latency_ms":-1}""")]
    [InlineData("latency_ms", """{"job_id":"j","miner_id":"m","outcome":"failed","latency_ms":3600001}""")]
    [InlineData("fail_code", """{"job_id":"j","miner_id":"m","outcome":"failed","fail_code":""}""")]
    [InlineData("tokens_spent", """{"job_id":"j","miner_id":"m","outcome":"failed","tokens_spent":-1}""")]
    [InlineData("latency", """{"job_id":"j","miner_id":"m","outcome":"failed","latency":1}""")]
    public async Task Feedback_that_makes_no_sense_is_refused_with_its_field(string field, string body)
    {
        await using TestHub hub = await TestHub.StartAsync();
        (await hub.Coordinator.PostAsync(Path, body)).ExpectField(field);
    }

    private static string Body(string job, string outcome, string more = "") =>
        $$"""{"job_id":"{{job}}","miner_id":"m","outcome":"{{outcome}}"{{more}}}""";

    /// <summary>A report of a job for which a match had given the miner.</summary>
    private static async Task<FeedbackResponse> ReportAsync(TestHub hub, string body)
    {
        _ = await hub.MatchAsync((string)JsonNode.Parse(body)!["job_id"]!);
        return (await hub.Coordinator.PostAsync(Path, body)).Expect(200).Read(HubJson.Default.FeedbackResponse);
    }
}

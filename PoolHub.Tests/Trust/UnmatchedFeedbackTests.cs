using System.Text.Json;
using PoolHub.Protocol.Http;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Trust;

/// <summary>Only what a match gave the coordinator teaches trust; docs/http-api.md, "Feedback".</summary>
public sealed class UnmatchedFeedbackTests
{
    private const string Alice = "secret-of-alice-1";
    private const string Bob = "secret-of-bob-123";
    private static readonly (string, string) s_two = ("COORDINATOR_SHARED_SECRET", $"alice:{Alice},bob:{Bob}");

    [Fact]
    public async Task Report_of_what_no_match_gave_is_kept_and_teaches_nothing()
    {
        await using TestHub hub = await TestHub.StartAsync();
        await hub.RegisterAsync("m");
        for (int i = 0; i < 20; i++)
        {
            Assert.Equal(("unmatched", 0.5, null), Seen(await ReportAsync(hub.Coordinator, $"j{i}", "failed")));
        }
        Assert.Equal("20", await hub.MetricAsync("poolhub_feedback_unmatched_total{reason=\"never_given\"}"));
        // The same, when a match has given the miner, is its first report.
        Assert.Equal(["m"], await hub.MatchAsync("j0"));
        Assert.Equal("recorded", (await ReportAsync(hub.Coordinator, "j0", "failed")).Status);
        Assert.Equal("duplicate", (await ReportAsync(hub.Coordinator, "j0", "failed")).Status);
        FeedbackView[] reports = (await ListAsync(hub)).Reports;
        Assert.Equal((20, 1), (reports.Length, reports.Count(report => report.Matched)));
    }

    [Fact]
    public async Task Report_of_another_spoils_no_miner_and_takes_no_ones_place()
    {
        await using TestHub hub = await TestHub.StartAsync(s_two);
        await hub.RegisterAsync("m");
        var (alice, bob) = (new HubClient(hub.Http, Alice), new HubClient(hub.Http, Bob));
        (await alice.PostAsync("/v1/match", """{"job_id":"j"}""")).Expect(200);
        Assert.Equal("unmatched", (await ReportAsync(bob, "j", "completed")).Status);
        FeedbackResponse hers = await ReportAsync(alice, "j", "completed");
        Assert.Equal("recorded", hers.Status);
        Assert.True(hers.TrustScore > 0.5);
        Assert.Equal(
            [("alice", true), ("bob", false)], (await ListAsync(hub)).Reports.Select(report => (report.Coordinator, report.Matched)));
    }

    [Fact]
    public async Task Match_is_known_after_a_restart_and_for_a_day()
    {
        await using TestHub hub = await TestHub.StartAsync();
        await hub.RegisterAsync("m");
        Answer match = (await hub.Coordinator.PostAsync("/v1/match", """{"job_id":"j"}""")).Expect(200);
        await hub.RestartAsync();
        Assert.Equal("recorded", (await ReportAsync(hub.Coordinator, "j", "accepted")).Status);
        for (int hour = 0; hour < 24; hour++)
        {
            hub.AdvanceSec(3_600);
        }
        Assert.Equal("recorded", (await ReportAsync(hub.Coordinator, "j", "completed")).Status);
        for (int hour = 0; hour < 10; hour++)
        {
            hub.AdvanceSec(3_600);
        }
        string body = $$"""{"job_id":"j","miner_id":"m","outcome":"failed","match_id":"{{match.Text("match_id")}}"}""";
        Assert.Equal("unmatched", (await hub.Coordinator.PostAsync("/v1/feedback", body)).Expect(200).Text("status"));
        Assert.Equal("1", await hub.MetricAsync("poolhub_feedback_unmatched_total{reason=\"too_old\"}"));
    }

    [Fact]
    public async Task Reports_come_page_by_page_to_an_admin_alone()
    {
        await using TestHub hub = await TestHub.StartAsync();
        await hub.RegisterAsync("m");
        for (int i = 0; i < 3; i++)
        {
            _ = await ReportAsync(hub.Coordinator, $"j{i}", "failed");
        }
        FeedbackPage first = (await hub.Admin.GetAsync("/v1/miners/m/feedback?limit=2")).Expect(200).Read(HubJson.Default.FeedbackPage);
        FeedbackPage second = (await hub.Admin.GetAsync($"/v1/miners/m/feedback?limit=2&cursor={first.NextCursor}")).Expect(200)
            .Read(HubJson.Default.FeedbackPage);
        Assert.Equal(["j2", "j1", "j0"], [.. first.Reports.Concat(second.Reports).Select(report => report.JobId)]);
        Assert.Null(second.NextCursor);
        (await hub.Admin.GetAsync("/v1/miners/m/feedback?cursor=x")).ExpectField("cursor");
        (await hub.Admin.GetAsync("/v1/miners/nobody/feedback")).Expect(404);
        (await hub.Coordinator.GetAsync("/v1/miners/m/feedback")).Expect(403);
    }

    [Fact]
    public async Task Trust_that_is_reset_is_that_of_nobody_known_also_after_a_restart()
    {
        await using TestHub hub = await TestHub.StartAsync();
        for (int i = 0; i < 10; i++)
        {
            await hub.RegisterAsync(i == 0 ? "m" : $"m{i}");
        }
        for (int i = 0; i < 5; i++)
        {
            _ = await hub.MatchAsync($"j{i}");
            _ = await ReportAsync(hub.Coordinator, $"j{i}", "failed");
        }
        Assert.DoesNotContain("m", await hub.MatchAsync());
        (await hub.Coordinator.SendAsync(HttpMethod.Delete, "/v1/miners/m/trust", null)).Expect(403);
        (await hub.Admin.SendAsync(HttpMethod.Delete, "/v1/miners/nobody/trust", null)).Expect(404);
        hub.BreakStore();
        (await hub.Admin.SendAsync(HttpMethod.Delete, "/v1/miners/m/trust", null)).Expect(503);
        hub.MendStore();
        Assert.Equal(0.5, (await hub.Admin.SendAsync(HttpMethod.Delete, "/v1/miners/m/trust", null)).Expect(200).Json.GetProperty("trust_score").GetDouble());
        Assert.Contains("m", await hub.MatchAsync());
        await hub.RestartAsync();
        JsonElement miner = (await hub.ShowAsync("m")).Json;
        Assert.Equal(0.5, miner.GetProperty("trust_score").GetDouble());
        AuditView entry = (await hub.Admin.GetAsync("/v1/audit?miner_id=m&limit=1")).Expect(200).Read(HubJson.Default.AuditPage).Entries.Single();
        Assert.Equal(("trust_reset", "from 0.333"), (entry.Action, entry.Detail));
    }

    private static (string, double, int?) Seen(FeedbackResponse answer) => (answer.Status, answer.TrustScore, answer.EjectedForSec);

    private static async Task<FeedbackPage> ListAsync(TestHub hub) =>
        (await hub.Admin.GetAsync("/v1/miners/m/feedback")).Expect(200).Read(HubJson.Default.FeedbackPage);

    private static async Task<FeedbackResponse> ReportAsync(HubClient client, string job, string outcome) =>
        (await client.PostAsync("/v1/feedback", $$"""{"job_id":"{{job}}","miner_id":"m","outcome":"{{outcome}}"}""")).Expect(200)
        .Read(HubJson.Default.FeedbackResponse);
}

using System.Net;
using PoolHub.Protocol.Client;
using PoolHub.Protocol.Http;

namespace PoolHub.Tests.EndToEnd;

/// <summary>Feedback adjusts trust, and the score follows.</summary>
public sealed class FeedbackTests
{
    [Fact]
    public async Task Feedback_moves_trust_and_the_score_with_it()
    {
        await using HubProcess hub = await HubProcess.StartAsync();
        _ = await Samples.RegisterOverHttpAsync(hub, "rig-a");
        _ = await Samples.RegisterOverHttpAsync(hub, "rig-b");
        Dictionary<string, Candidate> before = await CandidatesAsync(hub);
        Assert.Equal(before["rig-a"].Score, before["rig-b"].Score);

        FeedbackResponse good = await hub.ReportAsync("job-1", "rig-b", "completed");
        Assert.Equal("recorded", good.Status);
        Assert.Equal(6 / 11.0, good.TrustScore, 6);
        FeedbackResponse bad = await hub.ReportAsync("job-1", "rig-a", "failed", "oom");
        Assert.Equal(5 / 11.0, bad.TrustScore, 6);

        Dictionary<string, Candidate> after = await CandidatesAsync(hub);
        const double Weight = 0.15;
        Assert.Equal(Weight * ((6 / 11.0) - 0.5), after["rig-b"].Score - before["rig-b"].Score, 4);
        Assert.Equal(Weight * ((5 / 11.0) - 0.5), after["rig-a"].Score - before["rig-a"].Score, 4);
        Assert.Equal("rig-b", after.Keys.First());
        Assert.Equal(6 / 11.0, (await hub.MinerAsync("rig-b")).TrustScore, 4);
    }

    [Fact]
    public async Task Feedback_that_is_repeated_is_a_duplicate_and_changes_nothing()
    {
        await using HubProcess hub = await HubProcess.StartAsync();
        _ = await Samples.RegisterOverHttpAsync(hub, "rig-a");
        FeedbackResponse first = await hub.ReportAsync("job-1", "rig-a", "failed");
        FeedbackResponse[] again = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => hub.ReportAsync("job-1", "rig-a", "failed")));
        Assert.All(again, a => Assert.Equal("duplicate", a.Status));
        Assert.All(again, a => Assert.Equal(first.TrustScore, a.TrustScore, 4));
        Assert.Equal("recorded", (await hub.ReportAsync("job-2", "rig-a", "failed")).Status);
        HubException unknown = await Assert.ThrowsAsync<HubException>(() => hub.ReportAsync("job-1", "rig-x", "failed"));
        Assert.Equal((HttpStatusCode.NotFound, "miner_id"), (unknown.StatusCode, unknown.Problem?.Field));
    }

    [Fact]
    public async Task Match_is_known_after_kill_and_what_none_gave_is_unmatched()
    {
        await using HubProcess hub = await HubProcess.StartAsync();
        _ = await Samples.RegisterOverHttpAsync(hub, "rig-a");
        for (int i = 0; i < 200; i++)
        {
            MatchResponse match = await hub.Coordinator.MatchAsync(new MatchRequest { JobId = $"given-{i}" }, TestContext.Current.CancellationToken);
            Assert.Equal("rig-a", Assert.Single(match.Candidates).MinerId);
        }
        await hub.KillAsync();
        await hub.RestartAsync();
        for (int i = 0; i < 200; i++)
        {
            Assert.Equal("recorded", (await ReportAsync($"given-{i}")).Status);
            Assert.Equal("unmatched", (await ReportAsync($"never-{i}")).Status);
        }

        Task<FeedbackResponse> ReportAsync(string job) =>
            hub.Coordinator.FeedbackAsync(
                new FeedbackRequest { JobId = job, MinerId = "rig-a", Outcome = "completed" }, TestContext.Current.CancellationToken);
    }

    [Theory]
    [InlineData(9, false)]
    [InlineData(10, true)]
    public async Task Five_failures_in_a_row_eject_only_where_the_fleet_is_large_enough(int fleet, bool ejects)
    {
        await using HubProcess hub = await HubProcess.StartAsync();
        for (int i = 0; i < fleet; i++)
        {
            _ = await Samples.RegisterOverHttpAsync(hub, $"rig-{i}");
        }
        for (int i = 0; i < 4; i++)
        {
            Assert.Null((await hub.ReportAsync($"job-{i}", "rig-0", "failed")).EjectedForSec);
            // The network's fault counts for nothing.
            Assert.Null((await hub.ReportAsync($"job-{i}", "rig-1", "failed", "network")).EjectedForSec);
        }
        Assert.Null((await hub.ReportAsync("job-4", "rig-1", "failed", "network")).EjectedForSec);
        FeedbackResponse fifth = await hub.ReportAsync("job-4", "rig-0", "failed");
        MatchResponse match = await hub.MatchAsync();
        MinerSnapshot miner = await hub.MinerAsync("rig-0");
        Assert.Equal(ejects, fifth.EjectedForSec is > 25 and <= 30);
        Assert.Equal(ejects, miner.EjectedForSec is > 20 and <= 30);
        Assert.Equal(fleet - (ejects ? 1 : 0), match.Candidates.Length);
        Assert.Equal(!ejects, match.Candidates.Any(c => c.MinerId == "rig-0"));
        Assert.Equal(match.Candidates.Length, match.Clauses.Single(c => c.Clause == "available").Left);
    }

    private static async Task<Dictionary<string, Candidate>> CandidatesAsync(HubProcess hub) =>
        (await hub.MatchAsync()).Candidates.ToDictionary(c => c.MinerId);
}

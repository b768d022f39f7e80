using PoolHub.Protocol.Http;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Storage;

public sealed class RetentionTests
{
    [Fact]
    public async Task Feedback_that_is_too_old_goes_and_trust_survives_it()
    {
        await using TestHub hub = await TestHub.StartAsync(("FEEDBACK_RETENTION_DAYS", "30"), ("AUDIT_RETENTION_DAYS", "0"));
        _ = await hub.RegisterAsync("m");
        (await ReportAsync(hub, "old")).Expect(200);
        hub.Time.Advance(TimeSpan.FromDays(29));
        (await ReportAsync(hub, "new")).Expect(200);
        Assert.Equal(0, await hub.Hub.Retention.SweepAsync(TestContext.Current.CancellationToken));
        hub.Time.Advance(TimeSpan.FromDays(2));
        double trust = (await hub.ShowAsync("m")).Json.GetProperty("trust_score").GetDouble();
        Assert.Equal(1, await hub.Hub.Retention.SweepAsync(TestContext.Current.CancellationToken));
        Assert.Equal("duplicate", (await ReportAsync(hub, "new")).Text("status"));
        await hub.RestartAsync(("FEEDBACK_RETENTION_DAYS", "0"), ("AUDIT_RETENTION_DAYS", "0"));
        Assert.Equal(trust, (await hub.ShowAsync("m")).Json.GetProperty("trust_score").GetDouble());
        hub.Time.Advance(TimeSpan.FromDays(1_000));
        Assert.Equal(0, await hub.Hub.Retention.SweepAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Audit_entries_that_are_too_old_go()
    {
        await using TestHub hub = await TestHub.StartAsync(("AUDIT_RETENTION_DAYS", "10"), ("FEEDBACK_RETENTION_DAYS", "0"));
        _ = await hub.IssueKeyAsync("old");
        hub.Time.Advance(TimeSpan.FromDays(9));
        _ = await hub.IssueKeyAsync("new");
        hub.Time.Advance(TimeSpan.FromDays(2));
        Assert.Equal(1, await hub.Hub.Retention.SweepAsync(TestContext.Current.CancellationToken));
        AuditPage page = (await hub.Admin.GetAsync("/v1/audit")).Expect(200).Read(HubJson.Default.AuditPage);
        Assert.Equal(["new"], page.Entries.Select(e => e.MinerId));
    }

    private static Task<Answer> ReportAsync(TestHub hub, string job) =>
        hub.Coordinator.PostAsync("/v1/feedback", $$"""{"job_id":"{{job}}","miner_id":"m","outcome":"completed"}""");
}

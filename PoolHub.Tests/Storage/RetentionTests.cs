using PoolHub.Daemon.Storage;
using PoolHub.Protocol.Http;
using PoolHub.Tests.Attack;
using PoolHub.Tests.EndToEnd;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Storage;

public sealed class RetentionTests
{
    [Fact]
    public async Task Feedback_that_is_too_old_goes_and_trust_survives_it()
    {
        await using TestHub hub = await TestHub.StartAsync(("FEEDBACK_RETENTION_DAYS", "30"), ("AUDIT_RETENTION_DAYS", "0"));
        _ = await hub.RegisterAsync("m");
        Assert.Equal(["m"], await hub.MatchAsync("old"));
        Assert.Equal("recorded", (await ReportAsync(hub, "old")).Expect(200).Text("status"));
        hub.Time.Advance(TimeSpan.FromDays(29));
        (await ReportAsync(hub, "new")).Expect(200);
        Assert.Equal(0, await hub.Hub.Retention.SweepAsync(TestContext.Current.CancellationToken));
        hub.Time.Advance(TimeSpan.FromDays(2));
        double trust = (await hub.ShowAsync("m")).Json.GetProperty("trust_score").GetDouble();
        Assert.Equal(1, await hub.Hub.Retention.SweepAsync(TestContext.Current.CancellationToken));
        FeedbackPage page = (await hub.Admin.GetAsync("/v1/miners/m/feedback")).Expect(200).Read(HubJson.Default.FeedbackPage);
        Assert.Equal(["new"], page.Reports.Select(report => report.JobId));
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

    [Fact]
    public async Task Store_that_fails_in_any_way_does_not_end_the_retention()
    {
        await using var store = new ForgetfulStore { Fault = new InvalidTimeZoneException() };
        using var logs = new LogCollector();
        var time = new HandClock { Ticking = TimeSpan.FromMinutes(10) };
        using var retention = new Retention(store, new StorageOptions(), time, logs.Of<Retention>());
        await retention.StartAsync(TestContext.Current.CancellationToken);
        _ = await Eventually.SeeAsync(
            () =>
            {
                time.Advance(TimeSpan.FromMinutes(10));
                return Task.FromResult(logs.Count("what is too old could not be removed"));
            },
            told => told > 0);
        Assert.False(retention.ExecuteTask!.IsCompleted);
        await retention.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Hub_tells_whether_it_was_stopped_or_has_failed()
    {
        await using TestHub hub = await TestHub.StartAsync(("FEEDBACK_RETENTION_DAYS", "1"));
        Task<bool> stopped = hub.Hub.WaitForShutdownAsync();
        _ = await hub.RegisterAsync("m");
        (await ReportAsync(hub, "old")).Expect(200);
        hub.Time.Ticking = TimeSpan.FromMinutes(10);
        await hub.RestartAsync(("FEEDBACK_RETENTION_DAYS", "1"));
        Assert.True(await stopped.WaitAsync(TestHub.Patience, TestContext.Current.CancellationToken));

        hub.Logs.FailingCategory = typeof(Retention).FullName;
        hub.Logs.Expect("BackgroundService");
        Task<bool> failed = hub.Hub.WaitForShutdownAsync();
        _ = await Eventually.SeeAsync(
            () =>
            {
                hub.Time.Advance(TimeSpan.FromDays(2));
                return Task.FromResult(failed.IsCompleted);
            },
            ended => ended);
        Assert.False(await failed);
    }

    private static Task<Answer> ReportAsync(TestHub hub, string job) =>
        hub.Coordinator.PostAsync("/v1/feedback", $$"""{"job_id":"{{job}}","miner_id":"m","outcome":"completed"}""");
}

using System.Diagnostics;
using System.Net;
using PoolHub.Protocol.Http;
using PoolHub.Tests.EndToEnd;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Attack;

/// <summary>docs/security.md: under churn and faults the hub takes no more and more, of anything.</summary>
[Collection<Alone>]
public sealed class SoakTests
{
    private const int Miners = 200;
    private const int HoldMs = 400;
    private const int Tolerance = 12;

    private static TimeSpan Duration => TimeSpan.FromSeconds(Effort.Of(8, 600));

    /// <summary>
    /// The first minute, or in short its first part. Memory goes up and down between two collections, so it is the highest
    /// of the span after it and the highest of the last one that are compared.
    /// </summary>
    private static TimeSpan Span => TimeSpan.FromSeconds(Effort.Of(2, 120));
    private static TimeSpan Warm => TimeSpan.FromSeconds(Effort.Of(3, 60));

    [Fact]
    public async Task Hub_under_churn_and_faults_gives_everything_back()
    {
        using PostgresServer server = await PostgresServer.StartAsync("fsync=off");
        string dsn = await server.CreateDatabaseAsync();
        await using HubProcess hub = await HubProcess.StartAsync(
            ("DB_DSN", dsn), ("FLAP_LIMIT_PER_MIN", "0"), ("SESSION_TTL_SEC", "8"), ("HEARTBEAT_GRACE_SEC", "60"));
        using var fleet = new LightFleet(new IPEndPoint(IPAddress.Loopback, hub.TcpPort), Miners, beatEverySec: 2, forgetful: 7);
        _ = await fleet.AllOnlineAsync();
        int descriptorsBefore = await CalmAsync(hub);

        var elapsed = Stopwatch.StartNew();
        double warmMb = 0, endMb = 0;
        int restarts = 0, reloads = 0, resets = 0, jobs = 0;
        for (int second = 0; elapsed.Elapsed < Duration; second++)
        {
            // So many a second that the log of decisions, which is bounded, is full within the first minute.
            for (int i = 0; i < 20; i++, jobs += 10)
            {
                await Task.WhenAll(Enumerable.Range(jobs, 10).Select(job => JobAsync(hub, job)));
            }
            for (int i = 0; i < 10; i++, resets++)
            {
                fleet.Miners[resets * 13 % Miners].Break();
            }
            if (second % 5 == 1)
            {
                _ = await hub.ReloadAsync("settings reloaded");
                reloads++;
            }
            if (second % Effort.Of(6, 120) == 3)
            {
                server.Stop();
                await JobAsync(hub, jobs++);
                await server.LaunchAsync();
                restarts++;
            }
            double mb = hub.Process.ResidentMb();
            if (elapsed.Elapsed >= Warm && elapsed.Elapsed < Warm + Span)
            {
                warmMb = Math.Max(warmMb, mb);
            }
            else if (elapsed.Elapsed >= Duration - Span)
            {
                endMb = Math.Max(endMb, mb);
            }
            TimeSpan left = TimeSpan.FromSeconds(second + 1) - elapsed.Elapsed;
            await Task.Delay(left > TimeSpan.Zero ? left : TimeSpan.Zero, TestContext.Current.CancellationToken);
        }
        _ = await fleet.AllOnlineAsync();
        int descriptorsAfter = await CalmAsync(hub);
        Effort.Print($"{elapsed.Elapsed.TotalSeconds:0} s: {jobs:N0} jobs, {resets:N0} resets, {reloads} reloads, {restarts} restarts of the database");
        Effort.Print($"memory: at most {warmMb:0.0} MB from {Warm.TotalSeconds:0} s on for {Span.TotalSeconds:0} s, {endMb:0.0} MB in the last {Span.TotalSeconds:0} s ({(endMb / warmMb) - 1:+0.0 %;-0.0 %}); descriptors: {descriptorsBefore} before, {descriptorsAfter} after");
        Assert.True(restarts > 0 && reloads > 0 && resets > 0);
        Assert.InRange(descriptorsAfter, 0, descriptorsBefore + Tolerance);
        // The first seconds say nothing of the hours that follow.
        Assert.True(endMb <= warmMb * Effort.Of(1.5, 1.05), $"{endMb:0.0} MB at the end, {warmMb:0.0} MB when it was warm");
    }

    /// <summary>A match that holds, and what became of the job; some of the coordinators never say.</summary>
    private static async Task JobAsync(HubProcess hub, int number)
    {
        var coordinator = new PoolHub.Protocol.Client.CoordinatorClient(hub.Http, HubProcess.Secret);
        string job = $"soak-{number}";
        MatchResponse match = await coordinator.MatchAsync(new MatchRequest { JobId = job, TopK = 2, HoldMs = HoldMs });
        if (match.Candidates is [{ } best, ..] && number % 3 != 0)
        {
            _ = await coordinator.FeedbackAsync(new FeedbackRequest
            {
                JobId = job,
                MinerId = best.MinerId,
                MatchId = match.MatchId,
                Outcome = number % 7 == 0 ? "failed" : "completed",
                LatencyMs = 100,
            });
        }
    }

    /// <summary>Waits until every hold has ended and nothing waits for the database; gives the descriptors that are open then.</summary>
    private static async Task<int> CalmAsync(HubProcess hub)
    {
        _ = await Eventually.SeeAsync(
            async () => new PrometheusText(await hub.Http.GetStringAsync(new Uri("v1/metrics", UriKind.Relative), TestContext.Current.CancellationToken)),
            metrics => metrics["poolhub_holds"] == 0 && metrics["poolhub_store_spool_entries"] == 0);
        return hub.Process.Descriptors();
    }
}

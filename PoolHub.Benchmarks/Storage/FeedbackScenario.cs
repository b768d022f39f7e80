using System.Diagnostics;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using PoolHub.Benchmarks.Children;
using PoolHub.Benchmarks.Fleets;
using PoolHub.Benchmarks.Harness;
using PoolHub.Benchmarks.Hubs;
using PoolHub.Benchmarks.Peers;
using PoolHub.Daemon.Matching;
using PoolHub.Daemon.Storage;
using PoolHub.Daemon.Storage.Postgres;
using PoolHub.Protocol.Client;
using PoolHub.Protocol.Http;

namespace PoolHub.Benchmarks.Storage;

/// <summary>
/// Durable feedback over HTTP, each report of a job of its own, with PostgreSQL as the store; against what pgbench inserts
/// into the same table on the same server with as many connections, and against the same store with one report to a
/// commit.
/// </summary>
internal sealed class FeedbackScenario() : Scenario(Pgbench, CommitEach)
{
    public const string Missing = "PostgreSQL is not installed; on Debian: apt-get install postgresql";

    private const string Pgbench = "feedback / pgbench INSERT, 64 clients";
    private const string CommitEach = "feedback / a commit for each";
    private const int Clients = 64;
    private const int Miners = 100;

    /// <summary>More than are reported.</summary>
    private const int MostJobs = 2_000_000;

    private const string Insert = """
        \set job random(1, 1000000000000)
        INSERT INTO inserted (coordinator, job_id, miner_id, outcome, latency_ms, created_at, matched)
        VALUES ('default', 'job-' || :job, 'bench-0', 'completed', 420, now(), true)
        """;

    public override async Task RunAsync(Bench bench)
    {
        if (!PostgresServer.IsInstalled)
        {
            bench.Report(Figure.Failed(Pgbench, Missing));
            bench.Report(Figure.Failed(CommitEach, Missing));
            return;
        }
        using PostgresServer server = await PostgresServer.StartAsync();
        server.Run("CREATE DATABASE alone");
        await using HubUnderTest hub = await HubUnderTest.StartAsync(dsn: server.Dsn);
        await hub.EnterAsync(FleetGenerator.Make(Miners).Select((miner, i) => miner with { Id = $"bench-{i:00}" }));
        await GiveAsync(hub);
        server.Run("CREATE TABLE inserted (LIKE poolhub.feedback INCLUDING ALL)");
        await using PostgresHubStore alone = await OpenAsync(server.Dsn.Replace("/postgres?", "/alone?", StringComparison.Ordinal));
        await alone.SaveKeysAsync("bench-00", new StoredKeys([1]), DateTimeOffset.UtcNow);
        using var files = new RequestFiles(Request());
        await using Child load = await Child.StartAsync([LoadChild.Name, "http", $"{hub.HttpPort}", $"{Clients}", "-", .. files.Paths]);
        Samples ours = new();
        Samples inserts = new();
        Samples commits = new();
        Samples toInserts = new();
        Samples toCommits = new();
        int seconds = bench.Quick ? 2 : 5;
        for (int i = 0; i < 4; i++)
        {
            load.Tell($"0 {seconds * 1_000}");
            (long answers, double took) = await load.HearCountAsync();
            double insert = server.Pgbench(Insert, Clients, seconds);
            double commit = await CommitEachAsync(alone, TimeSpan.FromSeconds(seconds), i);
            // The first turn warms up.
            if (i > 0)
            {
                ours.Add(answers / took);
                inserts.Add(insert);
                commits.Add(commit);
                toInserts.Add(answers / took / insert);
                toCommits.Add(answers / took / commit);
            }
        }
        string? fault = await WasKeptAsync(hub);
        bench.Report(new Figure(Pgbench, Units.Rate(ours.Median), $"pgbench {Units.Rate(inserts.Median)}", toInserts.Median, Fault: fault));
        bench.Report(new Figure(CommitEach, Units.Rate(ours.Median), $"one by one {Units.Rate(commits.Median)}", toCommits.Median, Fault: fault));
    }

    private static async Task<double> CommitEachAsync(PostgresHubStore store, TimeSpan time, int turn)
    {
        long begin = Stopwatch.GetTimestamp();
        int done = 0;
        for (; Stopwatch.GetElapsedTime(begin) < time; done++)
        {
            _ = await store.RecordFeedbackAsync(
                new StoredFeedback($"job-{turn}-{done}", "bench-00", "completed", 420, null, null, DateTimeOffset.UtcNow), state => state);
        }
        return done / Stopwatch.GetElapsedTime(begin).TotalSeconds;
    }

    /// <summary>Only reports of what a match gave teach, and are what feedback costs.</summary>
    private static async Task GiveAsync(HubUnderTest hub)
    {
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{hub.HttpPort}") };
        MatchResponse match = await new CoordinatorClient(http, HubUnderTest.Secret).MatchAsync(new MatchRequest { JobId = "job" });
        uint tag = DecisionLog.TagOf(match.MatchId)!.Value;
        for (int i = 0; i < MostJobs; i++)
        {
            hub.Hub.Given.Add(tag, StableHash.Of($"job-{i:000000000000}"), StableHash.Of($"bench-{i % Miners:00}"));
        }
    }

    /// <summary>A report that was not recorded anew would have cost nothing.</summary>
    private static async Task<string?> WasKeptAsync(HubUnderTest hub)
    {
        using var http = new HttpClient();
        string metrics = await http.GetStringAsync(new Uri($"http://127.0.0.1:{hub.HttpPort}/v1/metrics"));
        return metrics.Contains("poolhub_http_requests_total{code=\"503\"}", StringComparison.Ordinal)
            || metrics.Contains("poolhub_http_requests_total{code=\"404\"}", StringComparison.Ordinal)
            || !metrics.Contains("poolhub_feedback_unmatched_total{reason=\"never_given\"} 0", StringComparison.Ordinal) ? "not every report was taken" : null;
    }

    private static byte[] Request()
    {
        byte[] body = Encoding.ASCII.GetBytes(
            """{"job_id":"job-############","miner_id":"bench-##","outcome":"completed","latency_ms":420}""");
        string head = $"POST /v1/feedback HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {HubUnderTest.Secret}\r\n"
            + $"Content-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n";
        return [.. Encoding.ASCII.GetBytes(head), .. body];
    }

    private static Task<PostgresHubStore> OpenAsync(string dsn) => PostgresDsn.TryParse(dsn, out PostgresDsn? read, out string? problem)
        ? PostgresHubStore.OpenAsync(read, TimeProvider.System, NullLogger<PostgresHubStore>.Instance)
        : throw new InvalidOperationException(problem);
}

using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using PoolHub.Protocol.Client;
using PoolHub.Protocol.Http;
using PoolHub.Protocol.Wire;
using PoolHub.Tests.Protocol;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.EndToEnd;

/// <summary>PostgreSQL stops at once, stays away for a while, and comes back.</summary>
[Collection<Alone>]
public sealed class AwayTests
{
    private static readonly bool s_full = Environment.GetEnvironmentVariable("POOLHUB_TEST_FULL") is not null;
    private static readonly TimeSpan s_away = TimeSpan.FromSeconds(s_full ? 30 : 3);

    /// <summary>What a percentile below a millisecond varies by on two cores, and more in a short run.</summary>
    private static readonly double s_noiseMs = s_full ? 0.2 : 5;

    [Fact]
    public async Task Hub_goes_on_without_its_database_and_loses_nothing()
    {
        using PostgresServer server = await PostgresServer.StartAsync();
        string dsn = await server.CreateDatabaseAsync();
        await using HubProcess hub = await HubProcess.StartAsync(
            ("DB_DSN", dsn), ("FLAP_LIMIT_PER_MIN", "0"), ("MATCH_RATE_LIMIT", "0"), ("FEEDBACK_RATE_LIMIT", "0"),
            ("REGISTER_RATE_LIMIT", "0"), ("SESSION_TTL_SEC", "2"), ("HEARTBEAT_GRACE_SEC", "20"));
        var store = new StoreUnderTest(dsn, hub.StateDir);
        var ledger = new Ledger(hub, "a");
        Assert.True(await ledger.RegisterAsync("a-known", 1));
        await using LiveMiner live = await LiveMiner.JoinAsync(hub, "tcp", "a-live");
        string token;
        await using (HubConversation conversation = await MinerConversation.OverTcpAsync(hub))
        {
            token = await conversation.GreetAsync("a-dropped", Samples.KeyOf("a-dropped"));
        }
        string[] known = [.. Enumerable.Range(0, 4).Select(i => $"a-load-{i}")];
        bool[] registered = await Task.WhenAll(known.Select(id => ledger.RegisterAsync(id, 1)));
        Assert.All(registered, Assert.True);
        ledger.BeginKnown(known);
        ledger.BeginRenewing(await Samples.RegisterOverHttpAsync(hub, "a-renewing"));
        double normalMs = await MatchForAsync(hub, s_away, TimeSpan.Zero);

        server.Stop();
        int renewals = ledger.Renewals;
        Task<double> matching = MatchForAsync(hub, s_away, TimeSpan.Zero);
        // The first report finds out.
        await ReportManyAsync(ledger, "a-known", 0, 50);
        HealthResponse health = await Eventually.SeeAsync(hub.HealthAsync, h => h.Status == "degraded");
        Assert.Contains("is away", Assert.Single(health.Reasons!), StringComparison.Ordinal);
        Assert.True(await ledger.RegisterAsync("a-known", 2));
        await using (HubConversation resumed = await MinerConversation.OverTcpAsync(hub))
        {
            Assert.True((await resumed.ResumeAsync("a-dropped", token)).Resumed);
            await hub.StateAsync("a-dropped", "online");
        }
        await AssertNewMinerIsRefusedAsync(ledger);
        await AssertUnknownMinerIsUnknownAsync(ledger);
        PrometheusText metrics = await MetricsAsync(hub);
        Assert.InRange(metrics["poolhub_store_spool_entries"], 50, 1_000_000);
        Assert.InRange(metrics["poolhub_store_spool_age_seconds"], 0.001, 60);
        Assert.Equal(1, metrics["poolhub_store_trouble"]);
        double awayMs = await matching;
        Assert.True(awayMs <= (2 * normalMs) + s_noiseMs, $"99th percentile {awayMs:0.00} ms without the database, {normalMs:0.00} ms with it");
        // Their leases are over, had heartbeats and renewals not gone on.
        Assert.Equal("online", (await hub.MinerAsync("a-live")).State);
        Assert.Equal("online", (await hub.MinerAsync("a-renewing")).State);
        Assert.InRange(ledger.Renewals, renewals + 10, int.MaxValue);
        TestContext.Current.TestOutputHelper?.WriteLine($"p99 of a match: {normalMs:0.00} ms with the database, {awayMs:0.00} ms without");

        await server.LaunchAsync();
        await DeliveredAsync(hub);
        await ledger.EndAsync();
        Assert.Empty(ledger.Refused);
        await store.AssertHoldsAsync(ledger, "a");
        Assert.Equal(2, ledger.Miners["a-known"]);
        Assert.True(await ledger.RegisterAsync("a-new", 1));
    }

    [Fact]
    public async Task Spool_is_delivered_once_though_the_hub_is_killed_before_and_during_it()
    {
        using PostgresServer server = await PostgresServer.StartAsync();
        string dsn = await server.CreateDatabaseAsync();
        await using HubProcess hub = await HubProcess.StartAsync(("DB_DSN", dsn), ("FLAP_LIMIT_PER_MIN", "0"));
        var store = new StoreUnderTest(dsn, hub.StateDir);
        var ledger = new Ledger(hub, "b");
        Assert.True(await ledger.RegisterAsync("b-rig", 1));
        Assert.True(await ledger.RegisterAsync("b-left", 1));
        server.Stop();
        await ReportManyAsync(ledger, "b-rig", 0, 1_000);
        Assert.True(await ledger.RegisterAsync("b-rig", 2));
        await hub.KillAsync();

        // Nobody knows the miners: it waits for the database.
        hub.Launch();
        _ = await hub.Process.LineAsync("the hub begins when it is there");
        await hub.KillAsync();
        await server.LaunchAsync();
        for (int delay = 0; delay < 4; delay++)
        {
            // In the midst of the delivery, more or less.
            hub.Launch();
            _ = await hub.Process.LineAsync("loaded");
            await Task.Delay(delay * 10, TestContext.Current.CancellationToken);
            await hub.KillAsync();
        }
        await hub.RestartAsync();
        await DeliveredAsync(hub);
        await store.AssertHoldsAsync(ledger, "b");
        Assert.Equal(1_000, ledger.Reports.Count);
        Assert.Equal("duplicate", (await hub.ReportAsync("b-job-0", "b-rig", "completed")).Status);
        Assert.Equal(0, new FileInfo(Path.Combine(hub.StateDir, "spool.jsonl")).Length);
    }

    [Fact]
    public async Task Password_is_in_no_log_no_answer_and_no_metric()
    {
        using PostgresServer server = await PostgresServer.StartAsync();
        string dsn = await server.CreateDatabaseAsync();
        await using HubProcess hub = await HubProcess.StartAsync(("DB_DSN", dsn), ("LOG_LEVEL", "trace"));
        _ = await Samples.RegisterOverHttpAsync(hub, "m");
        server.Stop();
        Assert.Equal("recorded", (await hub.ReportAsync("j", "m", "completed")).Status);
        HealthResponse health = await Eventually.SeeAsync(hub.HealthAsync, h => h.Status == "degraded");
        string metrics = await hub.Http.GetStringAsync("v1/metrics", TestContext.Current.CancellationToken);
        await Task.Delay(1_200, TestContext.Current.CancellationToken);
        foreach (string text in (string[])[.. hub.Log, .. health.Reasons!, metrics])
        {
            Assert.DoesNotContain("p@ss", text, StringComparison.Ordinal);
            Assert.DoesNotContain("p%40ss", text, StringComparison.Ordinal);
        }
        await server.LaunchAsync();
        await DeliveredAsync(hub);
    }

    internal static async Task<double> MatchForAsync(HubProcess hub, TimeSpan time, TimeSpan pause)
    {
        List<double> latencies = [];
        var all = Stopwatch.StartNew();
        while (all.Elapsed < time)
        {
            long begin = Stopwatch.GetTimestamp();
            MatchResponse match = await hub.MatchAsync();
            latencies.Add(Stopwatch.GetElapsedTime(begin).TotalMilliseconds);
            Assert.NotEmpty(match.Candidates);
            if (pause > TimeSpan.Zero)
            {
                await Task.Delay(pause);
            }
        }
        latencies.Sort();
        return latencies[(int)(latencies.Count * 0.99)];
    }

    internal static async Task<PrometheusText> MetricsAsync(HubProcess hub) => new(await hub.Http.GetStringAsync("v1/metrics"));

    internal static async Task DeliveredAsync(HubProcess hub)
    {
        _ = await Eventually.SeeAsync(async () => (await MetricsAsync(hub))["poolhub_store_spool_entries"], entries => entries == 0);
        _ = await Eventually.SeeAsync(hub.HealthAsync, h => h.Status == "ok");
    }

    internal static async Task ReportManyAsync(Ledger ledger, string minerId, int from, int count)
    {
        string name = minerId[..minerId.IndexOf('-', StringComparison.Ordinal)];
        bool[] taken = await Task.WhenAll(Enumerable.Range(from, count).Select(i => ledger.ReportAsync($"{name}-job-{i}", minerId)));
        Assert.All(taken, Assert.True);
    }

    private static async Task AssertNewMinerIsRefusedAsync(Ledger ledger)
    {
        using HttpResponseMessage answer = await ledger.PostAsync("v1/miners/register", new JsonObject
        {
            ["miner_id"] = "a-new",
            ["api_key"] = Samples.KeyOf("a-new"),
            ["addr"] = "h:1",
            ["proto"] = "http",
            ["price_token_per_ksec"] = 1,
        });
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.NotNull(answer.Headers.RetryAfter);
        JsonObject problem = (await answer.Content.ReadFromJsonAsync<JsonObject>())!;
        Assert.Contains("is away", (string)problem["detail"]!, StringComparison.Ordinal);
    }

    private static async Task AssertUnknownMinerIsUnknownAsync(Ledger ledger)
    {
        using HttpResponseMessage answer = await ledger.PostAsync(
            "v1/feedback", new JsonObject { ["job_id"] = "j", ["miner_id"] = "a-nobody", ["outcome"] = "completed" });
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
    }
}

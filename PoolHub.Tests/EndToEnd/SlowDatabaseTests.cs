using System.Text.Json.Nodes;
using PoolHub.Protocol.Http;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.EndToEnd;

/// <summary>PostgreSQL answers, but takes 2 s more for every statement.</summary>
[Collection<Alone>]
public sealed class SlowDatabaseTests
{
    private static readonly bool s_full = Environment.GetEnvironmentVariable("POOLHUB_TEST_FULL") is not null;
    private static readonly TimeSpan s_sample = TimeSpan.FromSeconds(s_full ? 20 : 2);

    /// <summary>What a percentile below a millisecond varies by on two cores, and more in a short run.</summary>
    private static readonly double s_noiseMs = s_full ? 0.2 : 5;

    [Fact]
    public async Task Slow_database_is_not_a_slow_hub()
    {
        PostgresServer server = await PostgresServer.SharedAsync();
        using var proxy = new SlowProxy(server.Port);
        string direct = await server.CreateDatabaseAsync();
        string dsn = direct.Replace($":{server.Port}/", $":{proxy.Port}/", StringComparison.Ordinal) + "?sslmode=disable";
        await using HubProcess hub = await HubProcess.StartAsync(
            ("DB_DSN", dsn), ("FLAP_LIMIT_PER_MIN", "0"), ("MATCH_RATE_LIMIT", "0"), ("FEEDBACK_RATE_LIMIT", "0"));
        var ledger = new Ledger(hub, "s");
        Assert.True(await ledger.RegisterAsync("s-rig", 1));
        string leaving = await Samples.RegisterOverHttpAsync(hub, "s-leaving");
        double normalMs = await AwayTests.MatchForAsync(hub, s_sample, TimeSpan.Zero);

        proxy.Delay = TimeSpan.FromSeconds(2);
        Task reports = AwayTests.ReportManyAsync(ledger, "s-rig", 0, 200);
        // With these, a group of every kind of statement.
        Task<bool> registration = ledger.RegisterAsync("s-new", 1);
        Task<PriceResponse> price = hub.Admin.SetPriceAsync(
            "s-rig", new PriceRequest { PriceTokenPerKsec = Samples.Tokens(2) }, TestContext.Current.CancellationToken);
        Task<HttpResponseMessage> goodbye = ledger.PostAsync("v1/miners/logout", new JsonObject { ["session_token"] = leaving });
        double slowMs = await AwayTests.MatchForAsync(hub, s_sample, TimeSpan.Zero);
        Assert.True(s_full || !reports.IsCompleted, "the database is not slow");
        Assert.True(slowMs <= (2 * normalMs) + s_noiseMs, $"99th percentile {slowMs:0.00} ms with a slow database, {normalMs:0.00} ms with a quick one");
        await reports;
        Assert.True(await registration);
        _ = await price;
        using HttpResponseMessage left = await goodbye;
        Assert.True(left.IsSuccessStatusCode);
        Assert.DoesNotContain(hub.Log, l => l.Contains("is away", StringComparison.Ordinal));
        proxy.Delay = TimeSpan.Zero;
        Assert.Equal("ok", (await hub.HealthAsync()).Status);
        await new StoreUnderTest(direct, hub.StateDir).AssertHoldsAsync(ledger, "s");
        TestContext.Current.TestOutputHelper?.WriteLine($"p99 of a match: {normalMs:0.00} ms with a quick database, {slowMs:0.00} ms with a slow one");
    }
}

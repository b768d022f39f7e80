using System.Net.Http.Headers;
using System.Text.RegularExpressions;
using PoolHub.Protocol.Http;

namespace PoolHub.Tests.EndToEnd;

/// <summary>The metrics.</summary>
public sealed partial class MetricsTests
{
    [Fact]
    public async Task Metrics_are_Prometheus_text_and_count_what_happened()
    {
        await using HubProcess hub = await HubProcess.StartAsync();
        Assert.Equal(0, (await ScrapeAsync(hub))["poolhub_miners_online"]);
        await using LiveMiner tcp = await LiveMiner.JoinAsync(hub, "tcp", "rig-tcp");
        await using LiveMiner ws = await LiveMiner.JoinAsync(hub, "ws", "rig-ws");
        _ = await Samples.RegisterOverHttpAsync(hub, "rig-http", Samples.Profile(price: 2));
        for (int i = 0; i < 5; i++)
        {
            _ = await hub.MatchAsync();
        }
        MatchResponse cheap = await hub.MatchAsync(new MatchHints { MaxPrice = Samples.Tokens(1) });
        Assert.Equal(2, cheap.Candidates.Length);
        MatchResponse nobody = await hub.MatchAsync(new MatchHints { Region = "mars" });
        Assert.Empty(nobody.Candidates);
        _ = await hub.ReportAsync("job-1", "rig-tcp", "completed");
        _ = await hub.ReportAsync("job-1", "rig-tcp", "completed");

        PrometheusText metrics = await Eventually.SeeAsync(() => ScrapeAsync(hub), m => m["poolhub_miners_online"] == 3);
        Assert.Equal(("gauge", "histogram"), (metrics.TypeOf("poolhub_miners_online"), metrics.TypeOf("poolhub_match_latency_ms")));
        Assert.Equal((3, 0), (metrics["poolhub_miners{state=\"online\"}"], metrics["poolhub_miners{state=\"degraded\"}"]));
        Assert.Equal((8, 1), (metrics["poolhub_match_total{result=\"found\"}"], metrics["poolhub_match_total{result=\"nobody\"}"]));
        Assert.Equal(3, metrics["poolhub_match_rejections_total{clause=\"region\"}"]);
        Assert.Equal(1, metrics["poolhub_match_rejections_total{clause=\"max_price\"}"]);
        Assert.Equal(1, metrics["poolhub_feedback_total{outcome=\"completed\"}"]);
        Assert.Equal((1, 1), (metrics["poolhub_sessions{transport=\"tcp\"}"], metrics["poolhub_sessions{transport=\"ws\"}"]));
        Assert.Equal(0, metrics["poolhub_mass_loss_guard"]);

        (double Bound, double Count)[] buckets = metrics.Buckets("poolhub_match_latency_ms");
        Assert.Equal(9, metrics["poolhub_match_latency_ms_count"]);
        Assert.InRange(metrics["poolhub_match_latency_ms_sum"], 1e-6, 9_000);
        Assert.Equal((double.PositiveInfinity, 9), buckets[^1]);
        Assert.Equal(buckets.OrderBy(b => b.Bound), buckets);
        Assert.Equal(buckets.OrderBy(b => b.Count).Select(b => b.Count), buckets.Select(b => b.Count));

        await tcp.LeaveAsync();
        metrics = await Eventually.SeeAsync(() => ScrapeAsync(hub), m => m["poolhub_miners_online"] == 2);
        Assert.Equal(1, metrics["poolhub_closes_total{reason=\"leaving\"}"]);
    }

    [Theory]
    [InlineData("packaging/prometheus/poolhub.rules.yml")]
    [InlineData("packaging/grafana/poolhub.json")]
    public async Task Metrics_that_the_packaging_names_are_there(string file)
    {
        await using HubProcess hub = await HubProcess.StartAsync();
        await using LiveMiner miner = await LiveMiner.JoinAsync(hub, "tcp", "rig-tcp");
        _ = await hub.MatchAsync(new MatchHints { Region = "mars" });
        _ = await hub.ReportAsync("job-1", "rig-tcp", "completed");
        PrometheusText metrics = await ScrapeAsync(hub);
        string[] named = [.. MetricName().Matches(Style.Sources.Read(file)).Select(m => m.Value).Distinct()];
        Assert.True(named.Length >= 7, "the file no longer names metrics as this test expects");
        Assert.All(named, name => Assert.True(metrics.Has(name), name));
    }

    [GeneratedRegex(@"\bpoolhub_\w+")]
    private static partial Regex MetricName();

    private static async Task<PrometheusText> ScrapeAsync(HubProcess hub)
    {
        using HttpResponseMessage response = await hub.Http.GetAsync("v1/metrics");
        Assert.True(response.IsSuccessStatusCode);
        Assert.Equal(MediaTypeHeaderValue.Parse("text/plain; version=0.0.4; charset=utf-8"), response.Content.Headers.ContentType);
        return new PrometheusText(await response.Content.ReadAsStringAsync());
    }
}

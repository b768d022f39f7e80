using System.Text.RegularExpressions;
using PoolHub.Protocol;
using PoolHub.Protocol.Http;
using PoolHub.Protocol.Wire;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Operations;

/// <summary>docs/http-api.md, "Registry", "Health and metrics" and "Errors".</summary>
public sealed partial class OperationsEndpointsTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(7)]
    [InlineData(500)]
    public async Task Pages_hold_every_miner_once_in_the_order_of_ids(int limit)
    {
        await using TestHub hub = await TestHub.StartAsync();
        string[] ids = [.. Enumerable.Range(0, 7).Select(i => $"m{i}")];
        foreach (string id in ids.Reverse())
        {
            await hub.RegisterAsync(id);
        }
        // Known by its key only: it has not registered.
        await hub.IssueKeyAsync("a-key");
        List<string> seen = [];
        string? cursor = null;
        do
        {
            MinerPage page = await PageAsync(hub, $"limit={limit}{(cursor is null ? "" : $"&cursor={cursor}")}");
            Assert.InRange(page.Miners.Length, 1, limit);
            seen.AddRange(page.Miners.Select(m => m.MinerId));
            cursor = page.NextCursor;
        }
        while (cursor is not null);
        Assert.Equal(ids, seen);
    }

    [Fact]
    public async Task Pages_are_filtered_by_state_and_region()
    {
        await using TestHub hub = await TestHub.StartAsync();
        foreach ((string id, string region) in new[] { ("a", "eu-west-1"), ("b", "eu"), ("c", "europe"), ("d", "us") })
        {
            string body = Samples.Registration(id, await hub.IssueKeyAsync(id), $",\"region\":\"{region}\"");
            string token = (await hub.Http.PostAsync("/v1/miners/register", body)).Expect(200).Text("session_token");
            if (id == "d")
            {
                (await hub.Http.PostAsync("/v1/miners/logout", null, ("X-PoolHub-Session", token))).Expect(200);
            }
        }
        Assert.Equal(["a", "b"], await IdsAsync(hub, "region=eu"));
        Assert.Equal(["a"], await IdsAsync(hub, "region=eu-west"));
        Assert.Equal(["a", "b", "c"], await IdsAsync(hub, "state=online"));
        Assert.Equal(["d"], await IdsAsync(hub, "state=offline"));
        Assert.Empty(await IdsAsync(hub, "state=degraded"));
        hub.AdvanceSec(60);
        Assert.Equal(["a", "b"], await IdsAsync(hub, "state=degraded&region=eu"));
        MinerPage page = await PageAsync(hub, "state=degraded&limit=2");
        Assert.Equal(["c"], await IdsAsync(hub, $"state=degraded&limit=2&cursor={page.NextCursor}"));
    }

    [Theory]
    [InlineData("limit", "limit=0")]
    [InlineData("limit", "limit=501")]
    [InlineData("limit", "limit=-1")]
    [InlineData("limit", "limit=x")]
    [InlineData("limit", "limit=")]
    [InlineData("limit", "limit=1&limit=2")]
    [InlineData("cursor", "cursor=a%20b")]
    [InlineData("state", "state=asleep")]
    [InlineData("region", "region=EU")]
    public async Task Page_that_makes_no_sense_is_refused_with_its_parameter(string field, string query)
    {
        await using TestHub hub = await TestHub.StartAsync();
        (await hub.Admin.GetAsync($"/v1/miners?{query}")).ExpectField(field);
    }

    [Theory]
    [InlineData("GET", "/v1/miners")]
    [InlineData("GET", "/v1/miners/m")]
    [InlineData("POST", "/v1/miners/accept-loss")]
    [InlineData("POST", "/v1/miners/m/key")]
    [InlineData("POST", "/v1/miners/m/key/rotate")]
    [InlineData("DELETE", "/v1/miners/m/key")]
    [InlineData("POST", "/v1/miners/m/commands")]
    public async Task Admins_calls_are_for_admins(string method, string path)
    {
        await using TestHub hub = await TestHub.StartAsync();
        var verb = new HttpMethod(method);
        (await hub.Http.SendAsync(verb, path, null)).Expect(401);
        (await hub.Coordinator.SendAsync(verb, path, null)).Expect(403);
    }

    [Fact]
    public async Task Miner_is_shown_as_it_registered()
    {
        await using TestHub hub = await TestHub.StartAsync();
        await hub.EnrolAsync("m");
        MinerSnapshot seen = (await hub.ShowAsync("m")).Read(HubJson.Default.MinerSnapshot);
        MinerProfile p = Samples.Profile;
        Assert.Equal((p.Addr, p.Proto, p.GpuName, p.GpuVramGb, p.CpuCores), (seen.Addr, seen.Proto, seen.GpuName, seen.GpuVramGb, seen.CpuCores));
        Assert.Equal(
            (p.RamGb, p.Price, p.MaxParallel, p.Region, p.Owner),
            (seen.RamGb, seen.PriceTokenPerKsec, seen.MaxParallel, seen.Region, seen.Owner));
        Assert.Equal((p.Accel[0], p.Tags[0], p.Capabilities[0]), (seen.Accel[0], seen.Tags[0], seen.Capabilities[0]));
        Assert.Equal((hub.Time.GetUtcNow(), false, null), (seen.LastSeenAt!.Value, seen.Draining, seen.EjectedForSec));
        Assert.Equal(hub.Time.GetUtcNow().ToUnixTimeMilliseconds(), seen.Epoch >> 11);
        (await hub.Admin.GetAsync("/v1/miners/nobody")).Expect(404);
    }

    [Fact]
    public async Task Health_tells_of_the_guard_until_the_loss_is_accepted()
    {
        await using TestHub hub = await TestHub.StartAsync(("MASS_LOSS_GUARD_MIN_MINERS", "2"));
        await hub.RegisterAsync("a");
        await hub.RegisterAsync("b");
        hub.AdvanceSec(0);
        HealthResponse health = await HealthAsync(hub);
        Assert.Equal(("ok", 2, 0, null), (health.Status, health.OnlineMiners, health.DegradedMiners, health.Reasons));
        hub.AdvanceSec(120);
        health = await HealthAsync(hub);
        Assert.Equal(("degraded", 0, 2, 120L), (health.Status, health.OnlineMiners, health.DegradedMiners, health.UptimeSec));
        Assert.Single(health.Reasons!);
        Assert.Equal("1", await hub.MetricAsync("poolhub_mass_loss_guard"));
        Assert.Equal(2, (await hub.Admin.PostAsync("/v1/miners/accept-loss")).Expect(200).Json.GetProperty("released").GetInt32());
        hub.AdvanceSec(1);
        health = await HealthAsync(hub);
        Assert.Equal(("ok", 0, 0), (health.Status, health.OnlineMiners, health.DegradedMiners));
        Assert.Equal("offline", await hub.StateAsync("a"));
    }

    [Fact]
    public async Task Health_tells_of_a_store_that_fails_until_it_writes_again()
    {
        await using TestHub hub = await TestHub.StartAsync(("ENROLLMENT", "open"));
        hub.BreakStore();
        (await hub.Http.PostAsync("/v1/miners/register", Samples.Registration("m", Samples.OwnKey))).Expect(503);
        HealthResponse health = await HealthAsync(hub);
        Assert.Equal("degraded", health.Status);
        Assert.Contains("store", Assert.Single(health.Reasons!), StringComparison.Ordinal);
        hub.MendStore();
        await hub.RegisterAsync("m", Samples.OwnKey);
        Assert.Equal("ok", (await HealthAsync(hub)).Status);
    }

    [Fact]
    public async Task Metrics_are_valid_text_and_hold_every_documented_one()
    {
        await using TestHub hub = await TestHub.StartAsync();
        TcpMiner miner = await hub.EnrolAsync("m");
        await miner.BeatAsync(1);
        await hub.MatchAsync("j");
        await miner.SendAsync(new Goodbye(CloseReason.Leaving, "", 0));
        await miner.ExpectEndAsync();
        await hub.MatchAsync();
        (await hub.Coordinator.PostAsync("/v1/match", """{"job_id":"j","requirements":{"min_vram_gb":80}}""")).Expect(200);
        (await hub.Coordinator.PostAsync("/v1/feedback", """{"job_id":"j","miner_id":"m","outcome":"completed"}""")).Expect(200);
        hub.AdvanceSec(1);
        Answer answer = (await hub.Http.GetAsync("/v1/metrics")).Expect(200);
        Assert.Equal("text/plain", answer.ContentType);
        string[] lines = answer.Body.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.All(lines, line => Assert.Matches(line[0] == '#' ? Comment() : Sample(), line));
        string docs = string.Concat(new[] { "http-api.md", "operations.md" }.Select(f => File.ReadAllText(Path.Combine(Root(), "docs", f))));
        string[] documented = [.. Name().Matches(docs).Select(m => m.Value).Distinct()];
        Assert.True(documented.Length >= 16);
        Assert.All(documented, name => Assert.Contains(lines, l => l.StartsWith(name, StringComparison.Ordinal)));
        Assert.Equal("1", await hub.MetricAsync("poolhub_frames_total{direction=\"in\",message=\"heartbeat\"}"));
        Assert.Equal("1", await hub.MetricAsync("poolhub_closes_total{reason=\"leaving\"}"));
    }

    [Fact]
    public async Task Address_or_method_that_is_not_there_is_a_problem()
    {
        await using TestHub hub = await TestHub.StartAsync();
        (await hub.Http.GetAsync("/")).Expect(404);
        (await hub.Http.GetAsync("/v1/nothing")).Expect(404);
        Answer answer = (await hub.Http.GetAsync("/v1/match")).Expect(405);
        Assert.Contains("POST", answer.Text("detail"), StringComparison.Ordinal);
        (await hub.Http.SendAsync(HttpMethod.Delete, "/v1/miners", null)).Expect(405);
    }

    [GeneratedRegex("poolhub_[a-z_]+")]
    private static partial Regex Name();

    [GeneratedRegex("^# (HELP|TYPE) [a-zA-Z_:][a-zA-Z0-9_:]* .+$")]
    private static partial Regex Comment();

    [GeneratedRegex("""^[a-zA-Z_:][a-zA-Z0-9_:]*(\{([a-zA-Z_]\w*="[^"\\]*",?)+\})? (NaN|[+-]?(Inf|[0-9.]+(e[+-]?[0-9]+)?))$""")]
    private static partial Regex Sample();

    private static string Root()
    {
        string directory = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(directory, "PoolHub.slnx")))
        {
            directory = Path.GetDirectoryName(directory)!;
        }
        return directory;
    }

    private static async Task<MinerPage> PageAsync(TestHub hub, string query) =>
        (await hub.Admin.GetAsync($"/v1/miners?{query}")).Expect(200).Read(HubJson.Default.MinerPage);

    private static async Task<IEnumerable<string>> IdsAsync(TestHub hub, string query) =>
        (await PageAsync(hub, query)).Miners.Select(m => m.MinerId);

    private static async Task<HealthResponse> HealthAsync(TestHub hub) =>
        (await hub.Http.GetAsync("/v1/health")).Expect(200).Read(HubJson.Default.HealthResponse);
}

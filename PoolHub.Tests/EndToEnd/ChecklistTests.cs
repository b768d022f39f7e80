using System.Diagnostics;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using PoolHub.Protocol;
using PoolHub.Protocol.Http;

namespace PoolHub.Tests.EndToEnd;

/// <summary>What must hold of miners and matches above all.</summary>
public sealed partial class ChecklistTests
{
    [Fact]
    public async Task Three_mixed_miners_over_three_transports_are_in_the_registry()
    {
        await using HubProcess hub = await HubProcess.StartAsync();
        await using LiveMiner tcp = await LiveMiner.JoinAsync(hub, "tcp", "a-tcp", Samples.Profile(24, 0.6m, "eu-west-1"));
        await using LiveMiner ws = await LiveMiner.JoinAsync(hub, "ws", "b-ws", Samples.Profile(8, 0.4m, "eu-north-1"));
        _ = await Samples.RegisterOverHttpAsync(hub, "c-http", Samples.Profile(80, 1.25m, "us-east-1", "rocm"));

        MinerSnapshot[] miners = (await hub.Admin.ListMinersAsync(cancel: TestContext.Current.CancellationToken)).Miners;
        Assert.Equal(
            [("a-tcp", "tcp", 24, 0.6m, "eu-west-1"), ("b-ws", "ws", 8, 0.4m, "eu-north-1"), ("c-http", "http", 80, 1.25m, "us-east-1")],
            miners.Select(m => (m.MinerId, m.Transport!, m.GpuVramGb, m.PriceTokenPerKsec.Tokens, m.Region)));
        Assert.All(miners, m => Assert.Equal(("online", 0.5, false), (m.State, m.TrustScore, m.Draining)));
        Assert.Equal(["rocm"], miners[2].Accel);
        HealthResponse health = await Eventually.SeeAsync(() => hub.HealthAsync(), h => h.OnlineMiners == 3);
        Assert.Equal(("ok", 0), (health.Status, health.DegradedMiners));

        Assert.Equal(["a-tcp", "b-ws"], await OfferedAsync(hub, new MatchHints { Region = "eu" }));
        Assert.Equal(["c-http"], await OfferedAsync(hub, requirements: new MatchRequirements { MinVramGb = 25 }));
        Assert.Equal(["b-ws"], await OfferedAsync(hub, new MatchHints { MaxPrice = Samples.Tokens(0.5m) }));
        await tcp.LeaveAsync();
        Assert.Equal(["b-ws"], await OfferedAsync(hub, new MatchHints { Region = "eu" }));
    }

    [Fact]
    public async Task Silent_miner_is_degraded_at_the_lease_and_gone_at_the_grace()
    {
        const double LeaseSec = 3, GraceSec = 5, SweepSec = 2.5;
        await using HubProcess hub = await HubProcess.StartAsync(("SESSION_TTL_SEC", "3"), ("HEARTBEAT_GRACE_SEC", "5"));
        await using LiveMiner steady = await LiveMiner.JoinAsync(hub, "tcp", "steady");
        await using LiveMiner cutOff = await LiveMiner.JoinAsync(hub, "ws", "cut-off");
        string token = await Samples.RegisterOverHttpAsync(hub, "silent");

        var sinceBefore = Stopwatch.StartNew();
        using HttpResponseMessage renewed = await hub.Http.GetAsync($"v1/miners/lease/renew?session_token={token}", TestContext.Current.CancellationToken);
        Assert.True(renewed.IsSuccessStatusCode);
        var sinceAfter = Stopwatch.StartNew();
        await cutOff.Client.AbandonAsync();

        await hub.StateAsync("cut-off", "degraded");
        Assert.InRange(sinceAfter.Elapsed.TotalSeconds, 0, LeaseSec);
        await hub.StateAsync("silent", "degraded");
        Assert.True(sinceBefore.Elapsed.TotalSeconds >= LeaseSec, $"degraded after {sinceBefore.Elapsed}");
        Assert.True(sinceAfter.Elapsed.TotalSeconds <= LeaseSec + SweepSec, $"degraded after {sinceAfter.Elapsed}");
        MatchResponse match = await hub.MatchAsync();
        Assert.Equal(("steady", null), (match.Candidates[0].MinerId, match.Candidates[0].Degraded));
        Assert.True(match.Candidates.Single(c => c.MinerId == "silent").Degraded);

        await hub.StateAsync("silent", "offline");
        Assert.True(sinceBefore.Elapsed.TotalSeconds >= GraceSec, $"gone after {sinceBefore.Elapsed}");
        Assert.True(sinceAfter.Elapsed.TotalSeconds <= GraceSec + SweepSec, $"gone after {sinceAfter.Elapsed}");
        await hub.StateAsync("cut-off", "offline");
        Assert.Equal(["steady"], await OfferedAsync(hub));
        Assert.True(steady.Client.HeartbeatsAcked >= 3, $"{steady.Client.HeartbeatsAcked} heartbeats");
        Assert.Equal((1L, "online"), (steady.Client.Connections, (await hub.MinerAsync("steady")).State));
        Assert.Contains(hub.Log, l => l.EndsWith("silent is offline: no heartbeat within the grace", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Match_with_constraints_is_consistent_and_explains_itself()
    {
        await using HubProcess hub = await HubProcess.StartAsync();
        Dictionary<string, MinerProfile> fleet = await RegisterTwelveAsync(hub);
        JsonObject request = Request(minVramGb: 16, maxPrice: 1);
        string once = await MatchJsonAsync(hub, request);
        var answer = JsonNode.Parse(once)!.AsObject();
        var again = JsonNode.Parse(await MatchJsonAsync(hub, request))!.AsObject();
        // The same in all but its name.
        again["match_id"] = (string)answer["match_id"]!;
        Assert.True(JsonNode.DeepEquals(answer, again), $"{once} and then {again}");

        JsonObject[] candidates = [.. answer["candidates"]!.AsArray().Select(c => c!.AsObject())];
        Assert.Equal(2, candidates.Length);
        double[] scores = [.. candidates.Select(c => (double)c["score"]!)];
        Assert.Equal(scores.OrderDescending(), scores);
        Assert.All(candidates, c =>
        {
            MinerProfile profile = fleet[(string)c["miner_id"]!];
            Assert.True(profile.GpuVramGb >= 16 && profile.Price.Tokens <= 1);
            Assert.StartsWith("eu-", profile.Region, StringComparison.Ordinal);
            Assert.Equal(["cuda"], profile.Accel);
            Assert.Equal(profile.Price.Tokens, (decimal)c["price"]!);
            Assert.Equal((profile.Addr, profile.Proto), ((string?)c["addr"], (string?)c["proto"]));
            JsonArray terms = c["breakdown"]!.AsArray();
            Assert.Equal(["cap", "price", "latency", "trust", "load"], terms.Select(t => (string?)t!["term"]));
            Assert.Equal(1, terms.Sum(t => (double)t!["weight"]!), 6);
            Assert.All(terms, t => Assert.Equal((double)t!["weight"]! * (double)t["norm"]!, (double)t["contribution"]!, 6));
            Assert.Equal((double)c["score"]!, terms.Sum(t => (double)t!["contribution"]!), 6);
        });
        Assert.Matches(ExplainLine(), (string)answer["explain"]!);
        Assert.Equal(
            [("online", 12), ("available", 12), ("region", 8), ("accel", 6), ("task", 6), ("min_vram_gb", 4), ("max_price", 3), ("free_slots", 3)],
            answer["clauses"]!.AsArray().Select(c => ((string)c!["clause"]!, (int)c["left"]!)));
    }

    [Fact]
    public async Task Match_that_nobody_passes_is_answered_with_the_counts()
    {
        await using HubProcess hub = await HubProcess.StartAsync();
        _ = await RegisterTwelveAsync(hub);
        JsonNode answer = JsonNode.Parse(await MatchJsonAsync(hub, Request(minVramGb: 16, maxPrice: 0.01m)))!;
        Assert.Empty(answer["candidates"]!.AsArray());
        Assert.Equal("nobody left after max_price (4 → 0)", (string?)answer["explain"]);
        Assert.Equal(0, (int)answer["clauses"]!.AsArray().Single(c => (string)c!["clause"]! == "max_price")!["left"]!);
    }

    /// <summary>Prices 0.1 to 1.2, each third in the US, every other of the rest with ROCm, memory 8 or 24 GB.</summary>
    private static async Task<Dictionary<string, MinerProfile>> RegisterTwelveAsync(HubProcess hub)
    {
        Dictionary<string, MinerProfile> fleet = [];
        for (int i = 0; i < 12; i++)
        {
            string region = i % 3 == 2 ? "us-east-1" : $"eu-west-{1 + (i % 3)}";
            string accel = region[0] == 'e' && i % 4 == 3 ? "rocm" : "cuda";
            fleet[$"m-{i:00}"] = Samples.Profile(i < 4 ? 8 : 24, 0.1m * (i + 1), region, accel);
            _ = await Samples.RegisterOverHttpAsync(hub, $"m-{i:00}", fleet[$"m-{i:00}"]);
        }
        return fleet;
    }

    private static JsonObject Request(double minVramGb, decimal maxPrice) => new()
    {
        ["job_id"] = "job-1",
        ["requirements"] = new JsonObject { ["task"] = "image_embedding", ["min_vram_gb"] = minVramGb, ["accel"] = new JsonArray("cuda") },
        ["hints"] = new JsonObject { ["region"] = "eu", ["max_price"] = maxPrice },
        ["top_k"] = 2,
        ["explain"] = "full",
    };

    private static async Task<string> MatchJsonAsync(HubProcess hub, JsonObject body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "v1/match") { Content = new StringContent(body.ToJsonString()) };
        request.Headers.Add("X-PoolHub-Secret", HubProcess.Secret);
        using HttpResponseMessage response = await hub.Http.SendAsync(request);
        string answer = await response.Content.ReadAsStringAsync();
        Assert.True((int)response.StatusCode == 200, answer);
        return answer;
    }

    private static async Task<string[]> OfferedAsync(HubProcess hub, MatchHints? hints = null, MatchRequirements? requirements = null)
    {
        MatchResponse match = await hub.MatchAsync(hints, requirements);
        return [.. match.Candidates.Select(c => c.MinerId).Order(StringComparer.Ordinal)];
    }

    [GeneratedRegex(@"^cap=\d\.\d\d • price=\d\.\d\d • latency=\d\.\d\d • trust=\d\.\d\d • load=\d\.\d\d$")]
    private static partial Regex ExplainLine();
}

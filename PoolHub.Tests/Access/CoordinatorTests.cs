using System.Text.RegularExpressions;
using PoolHub.Protocol.Http;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Access;

/// <summary>Named coordinators: limits, figures and matches of their own; docs/http-api.md, "Coordinators".</summary>
public sealed partial class CoordinatorTests
{
    private const string Alice = "secret-of-alice-1234";
    private const string Bob = "secret-of-bob-123456";
    private const string Match = """{"job_id":"j","top_k":1,"hold_ms":60000}""";

    private static readonly (string, string) s_two = ("COORDINATOR_SHARED_SECRET", $"alice:{Alice},bob:{Bob},alice:another-of-alice-1");

    [Fact]
    public async Task Flood_of_fifty_a_second_gets_the_twenty_that_it_may()
    {
        await using TestHub hub = await TestHub.StartAsync(("MATCH_RATE_LIMIT", "20"));
        List<int> answered = [];
        for (int second = 0; second < 5; second++)
        {
            int found = 0;
            for (int i = 0; i < 50; i++)
            {
                Answer answer = await hub.Coordinator.PostAsync("/v1/match", Match);
                found += (int)answer.Status == 200 ? 1 : 0;
                if ((int)answer.Status != 200)
                {
                    answer.Expect(429);
                    Assert.Equal(TimeSpan.FromSeconds(1), answer.RetryAfter);
                    Assert.Equal(1, answer.Read(HubJson.Default.Problem).RetryAfterSec);
                }
                hub.Time.Advance(TimeSpan.FromMilliseconds(20));
            }
            answered.Add(found);
        }
        // With 30 more than the rate in each, the burst of 40 lasts until the second second.
        Assert.InRange(answered.Sum(), 40 + (5 * 20) - 1, 40 + (5 * 20));
        Assert.All(answered[2..], count => Assert.Equal(20, count));
        Assert.Equal($"{answered.Sum()}", await hub.MetricAsync("poolhub_coordinator_matches_total{coordinator=\"default\"}"));
        Assert.Equal($"{250 - answered.Sum()}", await hub.MetricAsync("poolhub_coordinator_limited_total{coordinator=\"default\",limit=\"match\"}"));
    }

    [Fact]
    public async Task Limit_is_each_coordinators_own_and_that_of_feedback_is_another()
    {
        await using TestHub hub = await TestHub.StartAsync(s_two, ("MATCH_RATE_LIMIT", "1"), ("FEEDBACK_RATE_LIMIT", "1"));
        await hub.RegisterAsync("m");
        var (alice, bob) = (new HubClient(hub.Http, Alice), new HubClient(hub.Http, Bob));
        foreach (HubClient client in (HubClient[])[alice, bob])
        {
            (await client.PostAsync("/v1/match", Match)).Expect(200);
            (await client.PostAsync("/v1/match/explain", Match)).Expect(200);
            (await client.PostAsync("/v1/match", Match)).Expect(429);
            (await client.PostAsync("/v1/match/why-not?miner_id=m", Match)).Expect(429);
            (await client.PostAsync("/v1/feedback", Report("a"))).Expect(200);
            (await client.PostAsync("/v1/feedback", Report("b"))).Expect(200);
            (await client.PostAsync("/v1/feedback", Report("c"))).Expect(429);
        }
        Assert.Equal("2", await hub.MetricAsync("poolhub_coordinator_matches_total{coordinator=\"alice\"}"));
        Assert.Equal("2", await hub.MetricAsync("poolhub_coordinator_feedback_total{coordinator=\"bob\"}"));
        Assert.Equal("1", await hub.MetricAsync("poolhub_coordinator_limited_total{coordinator=\"bob\",limit=\"feedback\"}"));
        Assert.Equal("2", await hub.MetricAsync("poolhub_coordinator_limited_total{coordinator=\"bob\",limit=\"match\"}"));
    }

    [Fact]
    public async Task Batch_counts_each_of_its_matches_and_must_fit_into_the_burst()
    {
        await using TestHub hub = await TestHub.StartAsync(("MATCH_RATE_LIMIT", "5"));
        (await hub.Coordinator.PostAsync("/v1/match/batch", Batch(11))).ExpectField("requests");
        (await hub.Coordinator.PostAsync("/v1/match/batch", Batch(10))).Expect(200);
        Answer later = (await hub.Coordinator.PostAsync("/v1/match/batch", Batch(10))).Expect(429);
        Assert.Equal(TimeSpan.FromSeconds(2), later.RetryAfter);
        hub.Time.Advance(later.RetryAfter!.Value);
        (await hub.Coordinator.PostAsync("/v1/match/batch", Batch(10))).Expect(200);
        (await hub.Coordinator.PostAsync("/v1/match", Match)).Expect(429);
    }

    [Fact]
    public async Task Match_is_only_its_makers_to_report_hold_and_look_at_also_after_a_restart()
    {
        await using TestHub hub = await TestHub.StartAsync(s_two);
        await hub.RegisterAsync("m");
        string id = (await new HubClient(hub.Http, Alice).PostAsync("/v1/match", Match)).Expect(200).Text("match_id");
        var bob = new HubClient(hub.Http, Bob);
        Assert.Equal("match_id", Refused(await bob.PostAsync("/v1/feedback", Report("j", id))));
        Assert.Equal("match_id", Refused(await bob.PostAsync($"/v1/match/{id}/release")));
        Assert.Equal("match_id", Refused(await bob.PostAsync($"/v1/match/{id}/renew")));
        Assert.Equal("match_id", Refused(await bob.GetAsync($"/v1/match/{id}")));
        Assert.Equal("match_id", Refused(await bob.GetAsync($"/v1/match/{id}/why-not?miner_id=m")));

        // Either of her secrets is hers, and an admin sees all.
        var alice = new HubClient(hub.Http, "another-of-alice-1");
        (await alice.PostAsync($"/v1/match/{id}/renew")).Expect(200);
        (await alice.GetAsync($"/v1/match/{id}")).Expect(200);
        (await hub.Admin.GetAsync($"/v1/match/{id}")).Expect(200);
        (await hub.Admin.GetAsync($"/v1/match/{id}/why-not?miner_id=m")).Expect(200);
        Assert.Equal("recorded", (await alice.PostAsync("/v1/feedback", Report("j", id))).Expect(200).Text("status"));
        // Without a match, or with the id of none, it is a report like any other.
        (await bob.PostAsync("/v1/feedback", Report("k"))).Expect(200);
        (await bob.PostAsync("/v1/feedback", Report("l", "of-another-hub"))).Expect(200);
        (await bob.PostAsync($"/v1/match/{Guid.CreateVersion7():N}/release")).Expect(404);

        await hub.RestartAsync(s_two);
        Assert.Equal("match_id", Refused(await new HubClient(hub.Http, Bob).PostAsync("/v1/feedback", Report("n", id))));
        (await new HubClient(hub.Http, Alice).PostAsync("/v1/feedback", Report("n", id))).Expect(200);
    }

    [Fact]
    public async Task Report_ends_the_holds_of_who_sends_it_and_of_nobody_else()
    {
        await using TestHub hub = await TestHub.StartAsync(s_two);
        (await hub.Http.PostAsync("/v1/miners/register", Samples.Registration("m", await hub.IssueKeyAsync("m"), ",\"max_parallel\":8"))).Expect(200);
        var (alice, bob) = (new HubClient(hub.Http, Alice), new HubClient(hub.Http, Bob));
        string hers = (await alice.PostAsync("/v1/match", Match)).Expect(200).Text("match_id");
        string his = (await bob.PostAsync("/v1/match", Match)).Expect(200).Text("match_id");
        Assert.Equal("match_id", Refused(await bob.PostAsync("/v1/feedback", Report("j", hers))));
        foreach (string? named in (string?[])[null, $"{new string('0', 24)}{his[24..]}", "of-another-hub"])
        {
            (await bob.PostAsync("/v1/feedback", Report("j", named))).Expect(200);
        }
        (await alice.PostAsync($"/v1/match/{hers}/renew")).Expect(200);
        (await bob.PostAsync($"/v1/match/{his}/renew")).Expect(410);
    }

    [Fact]
    public async Task Report_of_a_job_that_only_another_was_given_is_unmatched_and_changes_nothing()
    {
        await using TestHub hub = await TestHub.StartAsync(s_two);
        await hub.RegisterAsync("m");
        var (alice, bob) = (new HubClient(hub.Http, Alice), new HubClient(hub.Http, Bob));
        string id = (await alice.PostAsync("/v1/match", Match)).Expect(200).Text("match_id");
        // A slot of the only miner is all that there is, and alice holds it.
        string bobs = (await bob.PostAsync("/v1/match", Match)).Expect(200).Text("match_id");
        foreach (string? named in (string?[])[null, bobs, $"{new string('0', 24)}{bobs[24..]}", "of-another-hub"])
        {
            Answer his = (await bob.PostAsync("/v1/feedback", Report("j", named))).Expect(200);
            Assert.Equal(("unmatched", 0.5), (his.Text("status"), his.Json.GetProperty("trust_score").GetDouble()));
            Assert.False(his.Json.TryGetProperty("released", out _));
        }
        (await alice.PostAsync($"/v1/match/{id}/renew")).Expect(200);
        Answer hers = (await alice.PostAsync("/v1/feedback", Report("j"))).Expect(200);
        Assert.Equal(("recorded", 1), (hers.Text("status"), hers.Json.GetProperty("released").GetInt32()));
    }

    [Fact]
    public async Task Reload_keeps_who_stays_with_what_was_taken_and_takes_the_figures_of_who_goes()
    {
        await using TestHub hub = await TestHub.StartAsync(s_two, ("MATCH_RATE_LIMIT", "1"));
        var (alice, bob) = (new HubClient(hub.Http, Alice), new HubClient(hub.Http, Bob));
        foreach (HubClient client in (HubClient[])[alice, alice, bob])
        {
            (await client.PostAsync("/v1/match", Match)).Expect(200);
        }
        Assert.Empty(hub.Reload(("COORDINATOR_SHARED_SECRET", $"alice:{Alice},carol:secret-of-carol-1234"), ("MATCH_RATE_LIMIT", "1")));
        (await alice.PostAsync("/v1/match", Match)).Expect(429);
        (await bob.PostAsync("/v1/match", Match)).Expect(401);
        Assert.Equal(["alice=2", "carol=0"], await FiguresAsync(hub));

        Assert.Empty(hub.Reload(("COORDINATOR_SHARED_SECRET", $"alice:{Alice}"), ("MATCH_RATE_LIMIT", "0")));
        (await alice.PostAsync("/v1/match", Match)).Expect(200);
        Assert.Equal(["alice=3"], await FiguresAsync(hub));
    }

    private static async Task<string[]> FiguresAsync(TestHub hub) =>
        [.. Figure().Matches((await hub.Http.GetAsync("/v1/metrics")).Expect(200).Body).Select(m => $"{m.Groups[1].Value}={m.Groups[2].Value}").Order()];

    private static string? Refused(Answer answer) => answer.Expect(403).Read(HubJson.Default.Problem).Field;

    private static string Batch(int size) => $$"""{"requests":[{{string.Join(',', Enumerable.Repeat(Match, size))}}]}""";

    private static string Report(string job, string? matchId = null) =>
        $$"""{"job_id":"{{job}}","miner_id":"m","outcome":"completed"{{(matchId is null ? "" : $",\"match_id\":\"{matchId}\"")}}}""";

    [GeneratedRegex(@"^poolhub_coordinator_matches_total\{coordinator=""(\w+)""\} (\d+)$", RegexOptions.Multiline)]
    private static partial Regex Figure();
}

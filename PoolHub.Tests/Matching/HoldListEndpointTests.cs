using PoolHub.Protocol.Client;
using PoolHub.Protocol.Http;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Matching;

/// <summary>docs/http-api.md, "Holds": what is one's own, and how much of it, over HTTP.</summary>
public sealed class HoldListEndpointTests
{
    private const string Alice = "secret-of-alice-1234";
    private const string Bob = "secret-of-bob-123456";

    private static readonly (string, string) s_two = ("COORDINATOR_SHARED_SECRET", $"alice:{Alice},bob:{Bob}");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Holds_are_listed_and_released_without_their_match_by_who_has_them_and_by_admins()
    {
        await using TestHub hub = await TestHub.StartAsync(s_two);
        await RegisterAsync(hub, "a", 20);
        await RegisterAsync(hub, "b", 20);
        using var http = new HttpClient { BaseAddress = new Uri($"http://{hub.Hub.HttpEndPoint}") };
        CoordinatorClient alice = new(http, Alice), bob = new(http, Bob);
        var admin = new AdminClient(http, TestHub.AdminToken);
        MatchResponse[] hers = [await HoldAsync(alice, "j1"), await HoldAsync(alice, "j2")];
        MatchResponse his = await HoldAsync(bob, "j1");

        HoldPage page = await alice.ListHoldsAsync(cancel: Cancel);
        Assert.Equal(hers.SelectMany(m => m.Candidates.Select(c => (m.MatchId, m.JobId, c.MinerId))), page.Holds.Select(h => (h.MatchId, h.JobId, h.MinerId)));
        Assert.All(page.Holds, h => Assert.Equal(("alice", "10.0.3.7:9000", "grpc", 0.75m, 60_000), (h.Coordinator, h.Addr, h.Proto, h.Price.Tokens, h.HoldExpiresInMs)));
        Assert.Null(page.NextCursor);
        page = await admin.ListHoldsAsync(limit: 4, cancel: Cancel);
        Assert.Equal(4, page.Holds.Length);
        Assert.Equal([(his.MatchId, "bob"), (his.MatchId, "bob")], (await admin.ListHoldsAsync(limit: 4, cursor: page.NextCursor, cancel: Cancel)).Holds.Select(h => (h.MatchId, h.Coordinator!)));
        Assert.Equal(2, (await admin.ListHoldsAsync(new ReleaseHoldsRequest { Coordinator = "bob", JobId = "j1" }, cancel: Cancel)).Holds.Length);
        Assert.Single((await bob.ListHoldsAsync(new ReleaseHoldsRequest { MinerId = "a" }, cancel: Cancel)).Holds);

        Assert.Equal(2, await alice.ReleaseHoldsAsync(new ReleaseHoldsRequest { JobId = "j1" }, Cancel));
        Assert.Equal(1, (await admin.ReleaseHoldsAsync(new ReleaseHoldsRequest { MinerId = "a", Coordinator = "bob" }, Cancel)).Released);
        (await hub.Admin.PostAsync($"/v1/match/{hers[1].MatchId}/release")).Expect(200);
        Assert.Equal(1, (await admin.ReleaseHoldsAsync(new ReleaseHoldsRequest { MatchId = his.MatchId }, Cancel)).Released);
        Assert.Equal("0", await hub.MetricAsync("poolhub_holds"));
        AuditView[] audit = [.. (await admin.ListAuditAsync(cancel: Cancel)).Entries.Where(e => e.Action == "hold_release")];
        Assert.Equal(
            [$"match {his.MatchId}: 1 holds", $"match {hers[1].MatchId}: 2 holds", "coordinator bob: 1 holds"], audit.Select(e => e.Detail));
    }

    [Fact]
    public async Task Calls_that_make_no_sense_are_refused()
    {
        await using TestHub hub = await TestHub.StartAsync(s_two);
        await RegisterAsync(hub, "m", 20);
        var (alice, bob) = (new HubClient(hub.Http, Alice), new HubClient(hub.Http, Bob));
        string match = (await alice.PostAsync("/v1/match", """{"job_id":"j","hold_ms":1000}""")).Expect(200).Text("match_id");
        (await hub.Http.GetAsync("/v1/holds")).Expect(401);
        (await hub.Http.PostAsync("/v1/holds/release", """{"job_id":"j"}""")).Expect(401);
        (await bob.GetAsync($"/v1/holds?match_id={match}")).Expect(403);
        (await bob.PostAsync("/v1/holds/release", $$"""{"match_id":"{{match}}"}""")).Expect(403);
        (await alice.GetAsync("/v1/holds?limit=0")).ExpectField("limit");
        (await alice.GetAsync("/v1/holds?cursor=x")).ExpectField("cursor");
        (await alice.GetAsync("/v1/holds?match_id=x")).ExpectField("match_id");
        (await alice.GetAsync("/v1/holds?miner_id=a%20b")).ExpectField("miner_id");
        (await alice.GetAsync("/v1/holds?coordinator=bob")).ExpectField("coordinator");
        (await hub.Admin.GetAsync("/v1/holds?coordinator=carol")).ExpectField("coordinator");
        (await alice.PostAsync("/v1/holds/release", "{}")).ExpectField("job_id");
        (await hub.Admin.PostAsync("/v1/holds/release", """{"coordinator":"alice"}""")).ExpectField("job_id");
        (await alice.PostAsync("/v1/holds/release", """{"job":"j"}""")).ExpectField("job");
        Assert.Equal("1", await hub.MetricAsync("""poolhub_coordinator_holds{coordinator="alice"}"""));
    }

    [Fact]
    public async Task Coordinator_that_holds_its_share_is_told_so_and_the_others_find_theirs()
    {
        await using TestHub hub = await TestHub.StartAsync(s_two);
        for (int i = 0; i < 5; i++)
        {
            await RegisterAsync(hub, $"m{i}", 2);
        }
        using var http = new HttpClient { BaseAddress = new Uri($"http://{hub.Hub.HttpEndPoint}") };
        CoordinatorClient alice = new(http, Alice), bob = new(http, Bob);
        Assert.Equal(3, (await HoldAsync(alice, "j1", topK: 3)).Candidates.Length);
        MatchResponse last = await HoldAsync(alice, "j2", topK: 3);
        Assert.Equal(2, last.Candidates.Length);
        Assert.EndsWith("; no more candidates: this coordinator holds 3 slots and may hold 5, since HOLD_SHARE_PERCENT is 50", last.Explain, StringComparison.Ordinal);
        Assert.Equal(last.Explain, (await alice.DecisionAsync(last.MatchId, Cancel)).Explain);
        Answer refused = (await new HubClient(hub.Http, Alice).PostAsync("/v1/match", """{"job_id":"j3","hold_ms":1000}""")).Expect(429);
        Assert.Equal((TimeSpan.FromSeconds(1), "this coordinator holds 5 slots and may hold 5, since HOLD_SHARE_PERCENT is 50"), (refused.RetryAfter, refused.Text("detail")));
        MatchResponse[] batch = await alice.MatchBatchAsync([new MatchRequest { JobId = "j4", HoldMs = 1_000 }, new MatchRequest { JobId = "j5", TopK = 1 }], Cancel);
        Assert.Equal((0, "this coordinator holds 5 slots and may hold 5, since HOLD_SHARE_PERCENT is 50", 1), (batch[0].Candidates.Length, batch[0].Explain, batch[1].Candidates.Length));
        Assert.Equal("2", await hub.MetricAsync("""poolhub_coordinator_limited_total{coordinator="alice",limit="hold"}"""));
        Assert.Equal(5, (await HoldAsync(bob, "j1", topK: 5)).Candidates.Length);

        // As it is said now: no share at all, and the whole fleet.
        Assert.Empty(hub.Reload(s_two, ("HOLD_SHARE_PERCENT", "0")));
        Assert.Equal(5, await bob.ReleaseHoldsAsync(new ReleaseHoldsRequest { JobId = "j1" }, Cancel));
        (await new HubClient(hub.Http, Bob).PostAsync("/v1/match", """{"job_id":"j6","hold_ms":1000}""")).Expect(429);
        Assert.Empty(hub.Reload(("COORDINATOR_SHARED_SECRET", $"alice:{Alice}"), ("HOLD_SHARE_PERCENT", "100")));
        Assert.Equal(5, (await HoldAsync(alice, "j7", topK: 5)).Candidates.Length);
    }

    [Fact]
    public async Task Job_matched_again_does_not_hold_twice_and_says_which_match_holds()
    {
        await using TestHub hub = await TestHub.StartAsync();
        await RegisterAsync(hub, "m", 4);
        string first = (await hub.Coordinator.PostAsync("/v1/match", """{"job_id":"j","hold_ms":1000}""")).Expect(200).Text("match_id");
        Answer again = (await hub.Coordinator.PostAsync("/v1/match", """{"job_id":"j","hold_ms":1000}""")).Expect(200);
        Assert.Equal(first, again.Text("held_by"));
        MatchResponse read = again.Read(HubJson.Default.MatchResponse);
        Assert.Equal(("m", null), (Assert.Single(read.Candidates).MinerId, read.Candidates[0].HoldExpiresInMs));
        Assert.Equal("1", await hub.MetricAsync("poolhub_holds"));
        Answer over = (await hub.Coordinator.PostAsync($"/v1/match/{read.MatchId}/renew")).Expect(410);
        Assert.Contains("held nothing", over.Text("detail"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Renewal_says_that_the_price_changed_and_what_has_ended_and_a_refusal_says_how()
    {
        await using TestHub hub = await TestHub.StartAsync();
        await RegisterAsync(hub, "a", 4);
        await RegisterAsync(hub, "b", 4);
        using var http = new HttpClient { BaseAddress = new Uri($"http://{hub.Hub.HttpEndPoint}") };
        var coordinator = new CoordinatorClient(http, TestHub.CoordinatorSecret);
        MatchResponse match = await HoldAsync(coordinator, "j");
        RenewResponse same = await coordinator.RenewAllAsync(match.MatchId, cancel: Cancel);
        Assert.All(same.Holds, h => Assert.Equal((0.75m, null, 4, null), (h.Price!.Value.Tokens, h.MatchedPrice, h.MaxParallel, h.MatchedMaxParallel)));
        Assert.Null(same.Ended);
        (await hub.Admin.SendAsync(HttpMethod.Put, "/v1/miners/a/price", """{"price_token_per_ksec":0.5}""")).Expect(200);
        Assert.Equal(1, await coordinator.ReleaseAsync(match.MatchId, "b", Cancel));
        RenewResponse now = await coordinator.RenewAllAsync(match.MatchId, 500, Cancel);
        Assert.Equal((0.5m, 0.75m), (Assert.Single(now.Holds).Price!.Value.Tokens, now.Holds[0].MatchedPrice!.Value.Tokens));
        Assert.Equal([new EndedMiner { MinerId = "b", Reason = "release" }], now.Ended!);
        hub.Time.Advance(TimeSpan.FromMilliseconds(500));
        string detail = (await hub.Coordinator.PostAsync($"/v1/match/{match.MatchId}/renew")).Expect(410).Text("detail");
        Assert.Contains("a: expiry", detail, StringComparison.Ordinal);
        Assert.Contains("b: release", detail, StringComparison.Ordinal);
    }

    private static Task<MatchResponse> HoldAsync(CoordinatorClient coordinator, string jobId, int topK = 2) =>
        coordinator.MatchAsync(new MatchRequest { JobId = jobId, TopK = topK, HoldMs = 60_000 }, Cancel);

    private static async Task RegisterAsync(TestHub hub, string minerId, int maxParallel) =>
        (await hub.Http.PostAsync("/v1/miners/register", Samples.Registration(minerId, await hub.IssueKeyAsync(minerId), $",\"max_parallel\":{maxParallel}")))
            .Expect(200);
}

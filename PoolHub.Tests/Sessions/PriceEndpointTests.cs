using PoolHub.Protocol.Http;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Sessions;

public sealed class PriceEndpointTests
{
    [Fact]
    public async Task Price_of_an_admin_counts_in_a_match_and_the_answer_says_so()
    {
        await using TestHub hub = await TestHub.StartAsync();
        _ = await hub.RegisterAsync("m");
        Candidate before = await MatchAsync(hub);
        Assert.Null(before.OwnPrice);

        PriceResponse set = (await hub.Admin.SendAsync(HttpMethod.Put, "/v1/miners/m/price", """{"price_token_per_ksec":0.25}""")).Expect(200).Read(HubJson.Default.PriceResponse);
        Assert.Equal((0.25m, before.Price), (set.PriceTokenPerKsec.Tokens, set.OwnPrice));
        Candidate after = await MatchAsync(hub);
        Assert.Equal((0.25m, before.Price), (after.Price.Tokens, after.OwnPrice));
        Assert.Empty((await MatchAllAsync(hub, """{"job_id":"j","hints":{"max_price":0.2}}""")).Candidates);
        Assert.Single((await MatchAllAsync(hub, """{"job_id":"j","hints":{"max_price":0.25}}""")).Candidates);
        MinerSnapshot shown = (await hub.ShowAsync("m")).Read(HubJson.Default.MinerSnapshot);
        Assert.Equal((0.25m, before.Price), (shown.PriceOverride!.PriceTokenPerKsec.Tokens, shown.PriceTokenPerKsec));

        (await hub.Admin.SendAsync(HttpMethod.Delete, "/v1/miners/m/price", null)).Expect(200);
        Candidate again = await MatchAsync(hub);
        Assert.Equal((before.Price, null), (again.Price, again.OwnPrice));
        (await hub.Admin.SendAsync(HttpMethod.Delete, "/v1/miners/m/price", null)).Expect(200);
    }

    [Fact]
    public async Task Price_with_an_end_ends_at_the_next_sweep()
    {
        await using TestHub hub = await TestHub.StartAsync();
        string token = await hub.RegisterAsync("m");
        string end = hub.Time.GetUtcNow().AddSeconds(10).ToString("O");
        (await hub.Admin.SendAsync(HttpMethod.Put, "/v1/miners/m/price", $$"""{"price_token_per_ksec":0.25,"ends_at":"{{end}}"}""")).Expect(200);
        hub.AdvanceSec(9);
        Assert.NotNull((await MatchAsync(hub)).OwnPrice);
        hub.AdvanceSec(1);
        Assert.Null((await MatchAsync(hub)).OwnPrice);
        Assert.NotEmpty(token);
    }

    [Fact]
    public async Task Price_outlives_a_new_profile_a_new_session_and_a_restart()
    {
        await using TestHub hub = await TestHub.StartAsync();
        string key = await hub.IssueKeyAsync("m");
        string token = await hub.RegisterAsync("m", key);
        (await hub.Admin.SendAsync(HttpMethod.Put, "/v1/miners/m/price", """{"price_token_per_ksec":0.25}""")).Expect(200);
        (await hub.Http.PostAsync("/v1/miners/update", $$"""{"session_token":"{{token}}","queue_len":0,"price_token_per_ksec":0.9}""")).Expect(200);
        Candidate updated = await MatchAsync(hub);
        Assert.Equal((0.25m, 0.9m), (updated.Price.Tokens, updated.OwnPrice!.Value.Tokens));
        _ = await hub.RegisterAsync("m", key);
        Assert.Equal(0.25m, (await MatchAsync(hub)).Price.Tokens);
        await hub.RestartAsync();
        Assert.Equal(0.25m, (await MatchAsync(hub)).Price.Tokens);
    }

    [Theory]
    [InlineData("{}", "price_token_per_ksec")]
    [InlineData("""{"price_token_per_ksec":-1}""", "price_token_per_ksec")]
    [InlineData("""{"price_token_per_ksec":1,"ends_at":"2001-01-01T00:00:00Z"}""", "ends_at")]
    [InlineData("""{"price_token_per_ksec":1,"end":1}""", "end")]
    public async Task Price_that_is_wrong_is_refused_by_its_field(string body, string field)
    {
        await using TestHub hub = await TestHub.StartAsync();
        _ = await hub.RegisterAsync("m");
        Assert.Equal(field, (await hub.Admin.SendAsync(HttpMethod.Put, "/v1/miners/m/price", body)).Expect(400).Text("field"));
    }

    [Fact]
    public async Task Price_is_an_admins_and_of_a_miner_that_is_there()
    {
        await using TestHub hub = await TestHub.StartAsync();
        _ = await hub.RegisterAsync("m");
        const string body = """{"price_token_per_ksec":1}""";
        (await hub.Coordinator.SendAsync(HttpMethod.Put, "/v1/miners/m/price", body)).Expect(403);
        (await hub.Http.SendAsync(HttpMethod.Delete, "/v1/miners/m/price", null)).Expect(401);
        (await hub.Admin.SendAsync(HttpMethod.Put, "/v1/miners/nobody/price", body)).Expect(404);
    }

    private static async Task<Candidate> MatchAsync(TestHub hub) => Assert.Single((await MatchAllAsync(hub, """{"job_id":"j"}""")).Candidates);

    private static async Task<MatchResponse> MatchAllAsync(TestHub hub, string body) =>
        (await hub.Coordinator.PostAsync("/v1/match", body)).Expect(200).Read(HubJson.Default.MatchResponse);
}

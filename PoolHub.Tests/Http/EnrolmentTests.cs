using PoolHub.Protocol;
using PoolHub.Protocol.Wire;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Http;

/// <summary>Who may claim an id, and what a store that fails does to a claim.</summary>
public sealed class EnrolmentTests
{
    private const string Register = "/v1/miners/register";
    private const string OtherKey = "another-key-of-its-own";

    [Fact]
    public async Task Closed_enrolment_refuses_an_unknown_miner()
    {
        await using TestHub hub = await TestHub.StartAsync();
        (await hub.Http.PostAsync(Register, Samples.Registration("m", Samples.OwnKey))).Expect(401);
    }

    [Fact]
    public async Task Open_enrolment_claims_the_id_for_the_first_key_also_after_a_restart()
    {
        await using TestHub hub = await OpenAsync();
        await hub.RegisterAsync("m", Samples.OwnKey);
        await RefusedAsync(hub, OtherKey);
        await hub.RestartAsync(("ENROLLMENT", "open"));
        await RefusedAsync(hub, OtherKey);
        await hub.RegisterAsync("m", Samples.OwnKey);
    }

    [Theory]
    [InlineData("too-short")]
    [InlineData("phk_mistyped-mistyped-mistyped")]
    public async Task Open_enrolment_takes_no_unusable_key(string key)
    {
        await using TestHub hub = await OpenAsync();
        await RefusedAsync(hub, key);
        await hub.RegisterAsync("m", Samples.OwnKey);
    }

    [Fact]
    public async Task Revoked_id_cannot_be_claimed()
    {
        await using TestHub hub = await OpenAsync();
        await hub.RegisterAsync("m", Samples.OwnKey);
        (await hub.Admin.SendAsync(HttpMethod.Delete, "/v1/miners/m/key", null)).Expect(200);
        await RefusedAsync(hub, OtherKey);
        await RefusedAsync(hub, Samples.OwnKey);
    }

    [Fact]
    public async Task Store_that_fails_is_told_with_a_time_to_return_and_the_claim_is_free()
    {
        await using TestHub hub = await OpenAsync();
        hub.BreakStore();
        Answer refused = (await hub.Http.PostAsync(Register, Samples.Registration("m", Samples.OwnKey))).Expect(503);
        Assert.Equal(TimeSpan.FromSeconds(1), refused.RetryAfter);
        Assert.Empty(await hub.MatchAsync());
        hub.MendStore();
        await hub.RegisterAsync("m", OtherKey);
        await RefusedAsync(hub, Samples.OwnKey);
    }

    [Fact]
    public async Task Store_that_fails_ends_a_registration_over_tcp_and_the_claim_is_free()
    {
        await using TestHub hub = await OpenAsync();
        hub.BreakStore();
        TcpMiner miner = await hub.ConnectAsync();
        await miner.HelloAsync("m", Samples.OwnKey);
        await miner.SendAsync(new Register(Samples.Profile));
        Assert.InRange((await miner.ExpectGoodbyeAsync(CloseReason.Unavailable)).RetryAfterMs, 1_000, 3_000);
        miner.FinishSending();
        await miner.ExpectEndAsync();
        hub.MendStore();
        await hub.EndedAsync(CloseReason.Unavailable, 1);
        await hub.RegisterAsync("m", OtherKey);
    }

    [Fact]
    public async Task Store_that_fails_leaves_a_known_miner_its_key()
    {
        await using TestHub hub = await TestHub.StartAsync();
        string key = await hub.IssueKeyAsync("m");
        string token = await hub.RegisterAsync("m", key);
        hub.BreakStore();
        (await hub.Http.PostAsync("/v1/miners/update", $$"""{"session_token":"{{token}}","queue_len":0,"price_token_per_ksec":9}""")).Expect(503);
        (await hub.Http.GetAsync("/v1/miners/lease/renew", ("X-PoolHub-Session", token))).Expect(200);
        (await hub.Http.PostAsync(Register, Samples.Registration("m", key))).Expect(503);
        Assert.Equal(["m"], await hub.MatchAsync());
        hub.MendStore();
        await hub.RegisterAsync("m", key);
    }

    [Fact]
    public async Task Socket_that_drops_before_it_registers_frees_its_claim()
    {
        await using TestHub hub = await OpenAsync();
        TcpMiner miner = await ClaimAsync(hub);
        await RefusedAsync(hub, OtherKey);
        await miner.DisposeAsync();
        await hub.EndedAsync(CloseReason.Dropped, 1);
        await hub.RegisterAsync("m", OtherKey);
    }

    [Fact]
    public async Task Goodbye_before_the_registration_frees_its_claim()
    {
        await using TestHub hub = await OpenAsync();
        TcpMiner miner = await ClaimAsync(hub);
        await miner.SendAsync(new Goodbye(CloseReason.Leaving, "", 0));
        await miner.ExpectEndAsync();
        await hub.RegisterAsync("m", OtherKey);
    }

    [Fact]
    public async Task Claim_passes_to_the_newer_session()
    {
        await using TestHub hub = await OpenAsync();
        TcpMiner older = await ClaimAsync(hub);
        TcpMiner newer = await ClaimAsync(hub);
        _ = await older.ExpectGoodbyeAsync(CloseReason.Replaced);
        await older.DisposeAsync();
        await hub.EndedAsync(CloseReason.Replaced, 1);
        await newer.SendAsync(new Register(Samples.Profile));
        _ = await newer.ExpectAsync<Registered>();
        await RefusedAsync(hub, OtherKey);
        await hub.RestartAsync(("ENROLLMENT", "open"));
        await RefusedAsync(hub, OtherKey);
        await hub.RegisterAsync("m", Samples.OwnKey);
    }

    private static Task<TestHub> OpenAsync() => TestHub.StartAsync(("ENROLLMENT", "open"));

    private static async Task<TcpMiner> ClaimAsync(TestHub hub)
    {
        TcpMiner miner = await hub.ConnectAsync();
        await miner.HelloAsync("m", Samples.OwnKey);
        return miner;
    }

    private static async Task RefusedAsync(TestHub hub, string key) =>
        (await hub.Http.PostAsync(Register, Samples.Registration("m", key))).Expect(401);
}

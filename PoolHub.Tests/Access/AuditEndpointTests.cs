using PoolHub.Protocol;
using PoolHub.Protocol.Http;
using PoolHub.Protocol.Wire;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Access;

/// <summary>docs/http-api.md, "Audit", and what else is known of keys, over HTTP.</summary>
public sealed class AuditEndpointTests
{
    private const string Carol = "token-of-carol-1234";
    private static readonly (string, string) s_admins = ("ADMIN_TOKEN", $"carol:{Carol},{TestHub.AdminToken}");

    [Fact]
    public async Task Whatever_an_admin_does_is_kept_with_who_it_was()
    {
        await using TestHub hub = await TestHub.StartAsync(s_admins);
        var carol = new HubClient(hub.Http, Carol);
        await using TcpMiner miner = await hub.EnrolAsync("m");
        (await carol.PostAsync("/v1/miners/m/key/rotate?grace_sec=60")).Expect(200);
        (await carol.SendAsync(HttpMethod.Put, "/v1/miners/m/price", """{"price_token_per_ksec":0.5}""")).Expect(200);
        (await carol.SendAsync(HttpMethod.Delete, "/v1/miners/m/price", null)).Expect(200);
        (await carol.PostAsync("/v1/miners/m/commands", """{"command":"drain","on":false,"wait_ms":0}""")).Expect(200);
        (await carol.PostAsync("/v1/miners/accept-loss")).Expect(200);
        (await carol.SendAsync(HttpMethod.Delete, "/v1/miners/m/key", null)).Expect(200);
        // Nothing that was refused is an entry.
        (await carol.PostAsync("/v1/miners/m/key/rotate")).Expect(404);
        (await carol.SendAsync(HttpMethod.Put, "/v1/miners/m/price", "{}")).Expect(400);

        AuditPage page = await ReadAsync(hub);
        Assert.Equal(
            [
                ("carol", "key_revoke", "m", null),
                ("carol", "accept_loss", null, "0 miners"),
                ("carol", "command", "m", "drain off"),
                ("carol", "price_clear", "m", null),
                ("carol", "price_set", "m", "0.5"),
                ("carol", "key_rotate", "m", "the old key stays valid for 60 s"),
                ("default", "key_issue", "m", null),
            ],
            page.Entries.Select(e => (e.Who, e.Action, e.MinerId, e.Detail)));
        Assert.All(page.Entries, e => Assert.Equal(("127.0.0.1", hub.Time.GetUtcNow()), (e.Address, e.At)));
        await hub.RestartAsync(s_admins);
        Assert.Equal(page.Entries, (await ReadAsync(hub)).Entries);
    }

    [Fact]
    public async Task Ban_that_is_lifted_is_in_the_log_and_one_that_is_none_is_not()
    {
        await using TestHub hub = await TestHub.StartAsync(s_admins, ("LOGIN_FAILURE_LIMIT", "1"));
        var carol = new HubClient(hub.Http, Carol);
        (await carol.GetAsync("/v1/bans")).Expect(200);
        (await hub.Admin.GetAsync("/v1/bans")).Expect(200);
        (await hub.Http.PostAsync("/v1/miners/register", Samples.Registration("m", MinerKey.Create()))).Expect(401);
        (await carol.SendAsync(HttpMethod.Delete, "/v1/bans?miner_id=m", null)).Expect(200);
        (await carol.SendAsync(HttpMethod.Delete, "/v1/bans?miner_id=m", null)).Expect(200);
        (await carol.SendAsync(HttpMethod.Delete, "/v1/bans?address=127.0.0.1", null)).Expect(200);
        Assert.Equal(
            [("carol", "ban_lift", null, "127.0.0.1"), ("carol", "ban_lift", "m", null)],
            (await ReadAsync(hub)).Entries.Select(e => (e.Who, e.Action, e.MinerId, e.Detail)));
    }

    [Fact]
    public async Task Entries_come_page_by_page_and_of_one_miner()
    {
        await using TestHub hub = await TestHub.StartAsync();
        foreach (string id in (string[])["a", "b", "a2", "b2"])
        {
            _ = await hub.IssueKeyAsync(id);
        }
        AuditPage first = await ReadAsync(hub, "?limit=3");
        Assert.Equal(["b2", "a2", "b"], first.Entries.Select(e => e.MinerId));
        AuditPage last = await ReadAsync(hub, $"?limit=3&cursor={first.NextCursor}");
        Assert.Equal(("a", null), (Assert.Single(last.Entries).MinerId, last.NextCursor));
        Assert.Equal("b", Assert.Single((await ReadAsync(hub, "?miner_id=b")).Entries).MinerId);
        Assert.Empty((await ReadAsync(hub, "?miner_id=nobody")).Entries);
        (await hub.Admin.GetAsync("/v1/audit?limit=0")).ExpectField("limit");
        (await hub.Admin.GetAsync("/v1/audit?cursor=-1")).ExpectField("cursor");
        (await hub.Admin.GetAsync("/v1/audit?miner_id=a%20b")).ExpectField("miner_id");
        (await hub.Coordinator.GetAsync("/v1/audit")).Expect(403);
        (await hub.Http.GetAsync("/v1/audit")).Expect(401);
    }

    [Fact]
    public async Task Miner_that_claims_its_id_is_in_the_log()
    {
        await using TestHub hub = await TestHub.StartAsync(("ENROLLMENT", "open"));
        await hub.RegisterAsync("m", "a-key-of-its-own-making");
        AuditView entry = Assert.Single((await ReadAsync(hub)).Entries);
        Assert.Equal(("Enrolment", "key_claim", "m", null), (entry.Who, entry.Action, entry.MinerId, entry.Address));
    }

    [Fact]
    public async Task Last_use_of_a_key_survives_a_restart()
    {
        await using TestHub hub = await TestHub.StartAsync();
        string key = await hub.IssueKeyAsync("m");
        Assert.Null((await KeyAsync(hub)).LastUsedAt);
        await hub.RegisterAsync("m", key);
        DateTimeOffset used = hub.Time.GetUtcNow();
        Assert.Equal(used, (await KeyAsync(hub)).LastUsedAt);
        hub.Time.Advance(TimeSpan.FromHours(1));
        (await hub.Http.PostAsync("/v1/miners/register", Samples.Registration("m", "wrong-key-of-the-miner"))).Expect(401);
        await hub.RestartAsync();
        Assert.Equal(used, (await KeyAsync(hub)).LastUsedAt);
    }

    /// <summary>Else the answer would tell whether the miner exists.</summary>
    [Theory]
    [InlineData("m")]
    [InlineData("nobody")]
    public async Task Mistyped_key_is_told_from_a_wrong_one_whoever_it_is_for(string minerId)
    {
        await using TestHub hub = await TestHub.StartAsync();
        string key = await hub.IssueKeyAsync("m");
        string mistyped = key[..^1] + (key[^1] == 'x' ? 'y' : 'x');
        Answer answer = (await hub.Http.PostAsync("/v1/miners/register", Samples.Registration(minerId, mistyped))).Expect(401);
        Assert.Equal("the api_key is mistyped: its checksum does not fit", answer.Read(HubJson.Default.Problem).Detail);
        answer = (await hub.Http.PostAsync("/v1/miners/register", Samples.Registration(minerId, MinerKey.Create()))).Expect(401);
        Assert.Equal("unknown miner or wrong key", answer.Read(HubJson.Default.Problem).Detail);

        TcpMiner miner = await hub.ConnectAsync();
        await miner.SendAsync(new Hello(1, [], minerId, mistyped, null));
        Goodbye goodbye = await miner.ExpectAsync<Goodbye>();
        Assert.Equal((CloseReason.BadCredentials, "the api_key is mistyped: its checksum does not fit"), (goodbye.Reason, goodbye.Detail));
    }

    private static async Task<KeyView> KeyAsync(TestHub hub) =>
        Assert.Single((await hub.Admin.GetAsync("/v1/keys")).Expect(200).Read(HubJson.Default.KeyPage).Keys);

    private static async Task<AuditPage> ReadAsync(TestHub hub, string query = "") =>
        (await hub.Admin.GetAsync("/v1/audit" + query)).Expect(200).Read(HubJson.Default.AuditPage);
}

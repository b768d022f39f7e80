using PoolHub.Protocol;
using PoolHub.Protocol.Http;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Http;

/// <summary>docs/http-api.md, "Miners".</summary>
public sealed class MinerLifecycleTests
{
    private const string Register = "/v1/miners/register";
    private const string Update = "/v1/miners/update";
    private const string Renew = "/v1/miners/lease/renew";
    private const string Logout = "/v1/miners/logout";

    [Theory]
    [InlineData("gpu_vram")]
    [InlineData("gpu_vram_gb")]
    public async Task Miner_lives_over_http_from_register_to_logout(string vram)
    {
        await using TestHub hub = await TestHub.StartAsync();
        string body = Samples.Registration("m", await hub.IssueKeyAsync("m"), $$""","{{vram}}":24,"region":"eu-west-1","owner":"acme","tags":["a"],"unknown":1""");
        LeaseResponse lease = (await hub.Http.PostAsync(Register, body)).Expect(200).Read(HubJson.Default.LeaseResponse);
        Assert.Equal(("online", 60, null), (lease.Status, lease.LeaseTtlSec, lease.Commands));
        Assert.InRange(lease.NextHeartbeatSec, 13, 17);
        Assert.Equal(["m"], await hub.MatchAsync());
        MinerSnapshot seen = (await hub.ShowAsync("m")).Read(HubJson.Default.MinerSnapshot);
        Assert.Equal(("http", 24.0, 1, "eu-west-1", "acme"), (seen.Transport, seen.GpuVramGb, seen.MaxParallel, seen.Region, seen.Owner));
        hub.AdvanceSec(59);
        Answer updated = await hub.Http.PostAsync(Update, $$"""
            {"session_token":"{{lease.SessionToken}}","queue_len":3,"busy":true,"current_jobs":["j"],"price_token_per_ksec":0.5,"avg_latency_ms":9,"temp_c":50,"mem_free_gb":1.5}
            """);
        Assert.Equal("online", updated.Expect(200).Text("status"));
        Assert.False(updated.Has("session_token"));
        seen = (await hub.ShowAsync("m")).Read(HubJson.Default.MinerSnapshot);
        Assert.Equal((3, true, 9, 50, 1.5, new TokenPrice(50_000_000)), (seen.QueueLen, seen.Busy, seen.AvgLatencyMs, seen.TempC, seen.MemFreeGb, seen.PriceTokenPerKsec));
        hub.AdvanceSec(59);
        Assert.Equal("online", (await hub.Http.GetAsync(Renew, Session(lease))).Expect(200).Text("status"));
        hub.AdvanceSec(59);
        Assert.Equal("online", await hub.StateAsync("m"));
        Assert.Equal("offline", (await hub.Http.PostAsync(Logout, $$"""{"session_token":"{{lease.SessionToken}}"}""")).Expect(200).Text("status"));
        Assert.Equal("offline", await hub.StateAsync("m"));
        Assert.Empty(await hub.MatchAsync());
        (await hub.Http.GetAsync(Renew, Session(lease))).Expect(409);
    }

    [Fact]
    public async Task Token_is_taken_from_body_address_and_header()
    {
        await using TestHub hub = await TestHub.StartAsync();
        string token = await hub.RegisterAsync("m");
        (await hub.Http.PostAsync(Update, $$"""{"session_token":"{{token}}","queue_len":0}""")).Expect(200);
        (await hub.Http.PostAsync($"{Update}?session_token={token}", """{"queue_len":0}""")).Expect(200);
        (await hub.Http.PostAsync(Update, """{"queue_len":0}""", ("X-PoolHub-Session", token))).Expect(200);
        (await hub.Http.GetAsync($"{Renew}?session_token={token}")).Expect(200);
        (await hub.Http.GetAsync(Renew, ("X-PoolHub-Session", token))).Expect(200);
        (await hub.Http.PostAsync(Logout, null, ("X-PoolHub-Session", token))).Expect(200);
    }

    [Theory]
    [InlineData("miner_id", "\"miner_id\":\"no spaces\"")]
    [InlineData("miner_id", "\"miner_id\":null")]
    [InlineData("api_key", "\"api_key\":\"\"")]
    [InlineData("addr", "\"addr\":null")]
    [InlineData("addr", "\"addr\":\"\"")]
    [InlineData("addr", "\"addr\":\"a b\"")]
    [InlineData("addr", "\"addr\":\"\\ud800\"")]
    [InlineData("proto", "\"proto\":\"GRPC\"")]
    [InlineData("price_token_per_ksec", "\"price_token_per_ksec\":null")]
    [InlineData("price_token_per_ksec", "\"price_token_per_ksec\":-0.1")]
    [InlineData("price_token_per_ksec", "\"price_token_per_ksec\":1e300")]
    [InlineData("price_token_per_ksec", "\"price_token_per_ksec\":\"1\"")]
    [InlineData("gpu_vram_gb", "\"gpu_vram_gb\":1e999")]
    [InlineData("gpu_vram_gb", "\"gpu_vram\":1,\"gpu_vram_gb\":2")]
    [InlineData("cpu_cores", "\"cpu_cores\":1.5")]
    [InlineData("ram_gb", "\"ram_gb\":-1")]
    [InlineData("max_parallel", "\"max_parallel\":10001")]
    [InlineData("region", "\"region\":\"EU\"")]
    [InlineData("owner", "\"owner\":\"a\\nb\"")]
    [InlineData("accel", "\"accel\":[null]")]
    [InlineData("tags", "\"tags\":\"a\"")]
    [InlineData("capabilities", "\"capabilities\":[\"\"]")]
    public async Task Registration_that_makes_no_sense_is_refused_with_its_field(string field, string fault)
    {
        await using TestHub hub = await TestHub.StartAsync();
        // The last of two fields of one name counts.
        (await hub.Http.PostAsync(Register, Samples.Registration("m", "key", "," + fault))).ExpectField(field);
    }

    [Theory]
    [InlineData("queue_len", """{}""")]
    [InlineData("queue_len", """{"queue_len":-1}""")]
    [InlineData("queue_len", """{"queue_len":1000001}""")]
    [InlineData("avg_latency_ms", """{"queue_len":0,"avg_latency_ms":3600001}""")]
    [InlineData("temp_c", """{"queue_len":0,"temp_c":-101}""")]
    [InlineData("mem_free_gb", """{"queue_len":0,"mem_free_gb":-1}""")]
    [InlineData("busy", """{"queue_len":0,"busy":1}""")]
    [InlineData("current_jobs", """{"queue_len":0,"current_jobs":[null]}""")]
    [InlineData("command_acks", """{"queue_len":0,"command_acks":[null]}""")]
    [InlineData("command_acks", """{"queue_len":0,"command_acks":[{"command_id":1,"accepted":true,"detail":"\u0000"}]}""")]
    public async Task Update_that_makes_no_sense_is_refused_with_its_field(string field, string body)
    {
        await using TestHub hub = await TestHub.StartAsync();
        string token = await hub.RegisterAsync("m");
        (await hub.Http.PostAsync(Update, body, ("X-PoolHub-Session", token))).ExpectField(field);
    }

    [Theory]
    [InlineData("")]
    [InlineData("not json")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{} {}")]
    [InlineData("{\"a\":")]
    public async Task Body_that_is_no_object_is_refused(string body)
    {
        await using TestHub hub = await TestHub.StartAsync();
        foreach (string path in new[] { Register, Update, Logout })
        {
            (await hub.Http.PostAsync(path, body)).Expect(400);
        }
    }

    [Fact]
    public async Task Body_over_the_limit_is_refused()
    {
        await using TestHub hub = await TestHub.StartAsync();
        (await hub.Http.PostAsync(Register, new string(' ', Limits.MaxBodyBytes + 1))).Expect(413);
        (await hub.Http.PostAsync(Register, "{}" + new string(' ', Limits.MaxBodyBytes - 2))).ExpectField("miner_id");
    }

    [Fact]
    public async Task Unknown_miner_and_wrong_key_are_refused_alike()
    {
        await using TestHub hub = await TestHub.StartAsync();
        await hub.IssueKeyAsync("m");
        Answer wrong = (await hub.Http.PostAsync(Register, Samples.Registration("m", MinerKey.Create()))).Expect(401);
        Answer unknown = (await hub.Http.PostAsync(Register, Samples.Registration("n", MinerKey.Create()))).Expect(401);
        Assert.Equal(wrong.Body, unknown.Body);
    }

    [Fact]
    public async Task Token_that_is_missing_forged_or_expired_is_refused_alike()
    {
        await using TestHub hub = await TestHub.StartAsync();
        string token = await hub.RegisterAsync("m");
        (await hub.Http.GetAsync(Renew)).Expect(401);
        (await hub.Http.GetAsync(Renew, ("X-PoolHub-Session", token[1..]))).Expect(401);
        (await hub.Http.PostAsync(Update, """{"queue_len":0}""")).Expect(401);
        (await hub.Http.PostAsync(Logout, "{}")).Expect(401);
        hub.Time.Advance(TimeSpan.FromHours(24));
        (await hub.Http.GetAsync(Renew, ("X-PoolHub-Session", token))).Expect(401);
    }

    [Fact]
    public async Task Token_of_an_older_session_is_stale()
    {
        await using TestHub hub = await TestHub.StartAsync();
        string key = await hub.IssueKeyAsync("m");
        string older = await hub.RegisterAsync("m", key);
        string newer = await hub.RegisterAsync("m", key);
        (await hub.Http.GetAsync(Renew, ("X-PoolHub-Session", older))).Expect(409);
        (await hub.Http.PostAsync(Update, $$"""{"session_token":"{{older}}","queue_len":0}""")).Expect(409);
        (await hub.Http.PostAsync(Logout, $$"""{"session_token":"{{older}}"}""")).Expect(409);
        (await hub.Http.GetAsync(Renew, ("X-PoolHub-Session", newer))).Expect(200);
    }

    [Fact]
    public async Task Fresh_token_is_given_once_the_old_one_is_past_half_its_life()
    {
        await using TestHub hub = await TestHub.StartAsync();
        string token = await hub.RegisterAsync("m");
        hub.Time.Advance(TimeSpan.FromHours(12) - TimeSpan.FromSeconds(1));
        Assert.False((await RenewAsync()).Has("session_token"));
        Assert.False((await UpdateAsync()).Has("session_token"));
        hub.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.True((await UpdateAsync()).Has("session_token"));
        string fresh = (await RenewAsync()).Text("session_token");
        hub.Time.Advance(TimeSpan.FromHours(12));
        token = fresh;
        await RenewAsync();

        async Task<Answer> RenewAsync() => (await hub.Http.GetAsync(Renew, ("X-PoolHub-Session", token))).Expect(200);
        async Task<Answer> UpdateAsync() => (await hub.Http.PostAsync(Update, """{"queue_len":0}""", ("X-PoolHub-Session", token))).Expect(200);
    }

    [Fact]
    public async Task Sixteenth_registration_in_a_minute_is_sent_away()
    {
        await using TestHub hub = await TestHub.StartAsync();
        string key = await hub.IssueKeyAsync("m");
        for (int i = 0; i < 16; i++)
        {
            await hub.RegisterAsync("m", key);
        }
        Answer refused = (await hub.Http.PostAsync(Register, Samples.Registration("m", key))).Expect(429);
        Assert.Equal(TimeSpan.FromSeconds(60), refused.RetryAfter);
        Assert.Equal(60, refused.Read(HubJson.Default.Problem).RetryAfterSec);
        hub.Time.Advance(TimeSpan.FromSeconds(60));
        await hub.RegisterAsync("m", key);
    }

    private static (string, string) Session(LeaseResponse lease) => ("X-PoolHub-Session", lease.SessionToken!);
}

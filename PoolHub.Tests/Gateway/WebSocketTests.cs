using System.Net.WebSockets;
using System.Text.Json;
using PoolHub.Protocol;
using PoolHub.Protocol.Http;
using PoolHub.Protocol.Wire;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Gateway;

/// <summary>docs/protocol.md, "WebSocket".</summary>
public sealed class WebSocketTests
{
    private const WebSocketMessageType Text = WebSocketMessageType.Text;
    private const WebSocketMessageType Binary = WebSocketMessageType.Binary;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Token_makes_the_conversation_live_at_once(bool inHeader)
    {
        await using TestHub hub = await TestHub.StartAsync();
        WsMiner miner = await hub.ConnectWebAsync(await hub.RegisterAsync("m"), inHeader);
        await miner.SendTextAsync("""{"ts":1767225600.5,"queue_len":2,"avg_latency_ms":120,"temp_c":61,"mem_free_gb":7.5}""");
        JsonElement ack = await miner.ExpectTextAsync("ack");
        Assert.Equal(1, ack.GetProperty("seq").GetInt64());
        Assert.InRange(ack.GetProperty("next_heartbeat_sec").GetInt32(), 13, 17);
        MinerSnapshot seen = (await hub.ShowAsync("m")).Read(HubJson.Default.MinerSnapshot);
        Assert.Equal(("online", "ws", 2, 120, 61, 7.5), (seen.State, seen.Transport, seen.QueueLen, seen.AvgLatencyMs, seen.TempC, seen.MemFreeGb));
        await miner.SendTextAsync("""{"type":"heartbeat","queue_len":0}""");
        Assert.Equal(2, (await miner.ExpectTextAsync("ack")).GetProperty("seq").GetInt64());
        await miner.SendTextAsync("""{"type":"heartbeat","seq":40,"queue_len":0}""");
        Assert.Equal(40, (await miner.ExpectTextAsync("ack")).GetProperty("seq").GetInt64());
    }

    [Fact]
    public async Task Text_update_changes_jobs_and_price()
    {
        await using TestHub hub = await TestHub.StartAsync();
        WsMiner miner = await hub.ConnectWebAsync(await hub.RegisterAsync("m"));
        await miner.SendTextAsync("""{"type":"update","queue_len":2,"busy":true,"current_jobs":["job-1"],"price_token_per_ksec":0.5}""");
        Assert.Equal(0, (await miner.ExpectTextAsync("ack")).GetProperty("seq").GetInt64());
        MinerSnapshot seen = (await hub.ShowAsync("m")).Read(HubJson.Default.MinerSnapshot);
        Assert.Equal((2, true, new TokenPrice(50_000_000)), (seen.QueueLen, seen.Busy, seen.PriceTokenPerKsec));
    }

    [Fact]
    public async Task Text_pong_measures_the_round_trip()
    {
        await using TestHub hub = await TestHub.StartAsync();
        WsMiner miner = await hub.ConnectWebAsync(await hub.RegisterAsync("m"));
        await miner.SendTextAsync("""{"queue_len":0}""");
        await miner.ExpectTextAsync("ack");
        hub.Hub.SweepLoop.Sweep();
        long nonce = (await miner.ExpectTextAsync("ping")).GetProperty("nonce").GetInt64();
        hub.Time.Advance(TimeSpan.FromMilliseconds(25));
        await miner.SendTextAsync($$"""{"type":"pong","nonce":{{nonce}}}""");
        await miner.SendTextAsync("""{"queue_len":0}""");
        await miner.ExpectTextAsync("ack");
        Assert.Equal(25, (await hub.ShowAsync("m")).Read(HubJson.Default.MinerSnapshot).RttMs);
    }

    [Theory]
    [InlineData("""{"command":"set_price_cap","price_token_per_ksec":0.5}""", """{"type":"command","command_id":1,"command":"set_price_cap","price_token_per_ksec":0.5}""")]
    [InlineData("""{"command":"update_tags","tags":["a"]}""", """{"type":"command","command_id":1,"command":"update_tags","tags":["a"]}""")]
    [InlineData("""{"command":"drain","on":false}""", """{"type":"command","command_id":1,"command":"drain","on":false}""")]
    [InlineData("""{"command":"reconnect","addr":"h:1","delay_ms":5}""", """{"type":"command","command_id":1,"command":"reconnect","addr":"h:1","delay_ms":5}""")]
    public async Task Text_command_is_acknowledged_in_text(string asked, string pushed)
    {
        await using TestHub hub = await TestHub.StartAsync();
        WsMiner miner = await hub.ConnectWebAsync(await hub.RegisterAsync("m"));
        await miner.SendTextAsync("""{"queue_len":0}""");
        await miner.ExpectTextAsync("ack");
        Task<Answer> answer = hub.Admin.PostAsync("/v1/miners/m/commands", asked);
        Assert.True(JsonElement.DeepEquals(JsonDocument.Parse(pushed).RootElement, await miner.ExpectTextAsync("command")));
        await miner.SendTextAsync("""{"type":"command_ack","command_id":1,"accepted":false,"detail":"not now"}""");
        Assert.Equal(("refused", "not now"), ((await answer).Text("status"), (await answer).Text("detail")));
    }

    [Theory]
    [InlineData("queue_len", """{"ts":1}""")]
    [InlineData("queue_len", """{"queue_len":-1}""")]
    [InlineData("queue_len", """{"queue_len":"many"}""")]
    [InlineData("queue_len", """{"queue_len":1.5}""")]
    [InlineData("temp_c", """{"queue_len":0,"temp_c":5000}""")]
    [InlineData("mem_free_gb", """{"queue_len":0,"mem_free_gb":1e999}""")]
    [InlineData("busy", """{"type":"update","queue_len":0}""")]
    [InlineData("price_token_per_ksec", """{"type":"update","queue_len":0,"busy":true,"price_token_per_ksec":-1}""")]
    [InlineData("current_jobs", """{"type":"update","queue_len":0,"busy":true,"current_jobs":[null]}""")]
    [InlineData("nonce", """{"type":"pong"}""")]
    [InlineData("accepted", """{"type":"command_ack","command_id":1}""")]
    [InlineData("detail", """{"type":"command_ack","command_id":1,"accepted":true,"detail":"\u0007"}""")]
    [InlineData("", "not json")]
    [InlineData("", "[]")]
    [InlineData("", "null")]
    public async Task Text_that_makes_no_sense_is_an_error_with_its_field(string field, string json)
    {
        await using TestHub hub = await TestHub.StartAsync();
        WsMiner miner = await hub.ConnectWebAsync(await hub.RegisterAsync("m"));
        await miner.SendTextAsync(json);
        JsonElement error = await miner.ExpectTextAsync("error");
        Assert.Equal(("invalid_field", field), (error.GetProperty("code").GetString(), error.GetProperty("field").GetString()));
        await miner.SendTextAsync("""{"queue_len":0}""");
        await miner.ExpectTextAsync("ack");
    }

    [Fact]
    public async Task Text_of_an_unknown_type_is_an_unknown_message()
    {
        await using TestHub hub = await TestHub.StartAsync();
        WsMiner miner = await hub.ConnectWebAsync(await hub.RegisterAsync("m"));
        await miner.SendTextAsync("""{"type":"dance"}""");
        Assert.Equal("unknown_message", (await miner.ExpectTextAsync("error")).GetProperty("code").GetString());
        for (int i = 1; i < 16; i++)
        {
            await miner.SendTextAsync("{}");
            await miner.ExpectTextAsync("error");
        }
        await miner.ExpectGoodbyeAsync(CloseReason.TooManyErrors, Text);
    }

    [Fact]
    public async Task Text_goodbye_takes_the_miner_off_at_once()
    {
        await using TestHub hub = await TestHub.StartAsync();
        WsMiner miner = await hub.ConnectWebAsync(await hub.RegisterAsync("m"));
        await miner.SendTextAsync("""{"type":"goodbye","code":"leaving","detail":""}""");
        await miner.ExpectEndAsync();
        Assert.Equal("offline", await hub.StateAsync("m"));
    }

    [Fact]
    public async Task Close_without_a_goodbye_degrades_at_once()
    {
        await using TestHub hub = await TestHub.StartAsync();
        WsMiner miner = await hub.ConnectWebAsync(await hub.RegisterAsync("m"));
        await miner.CloseAsync();
        await hub.UntilAsync("m", "degraded");
    }

    [Fact]
    public async Task Binary_hello_goes_on_as_over_tcp()
    {
        await using TestHub hub = await TestHub.StartAsync();
        WsMiner miner = await hub.ConnectWebAsync();
        await miner.SendAsync(new Hello(1, [], "m", await hub.IssueKeyAsync("m"), null));
        string token = (await miner.ExpectAsync<Welcome>()).SessionToken;
        await miner.SendAsync(new Register(Samples.Profile));
        _ = await miner.ExpectAsync<Registered>();
        await miner.SendAsync(TcpMiner.HeartbeatOf(1));
        Assert.Equal(1, (await miner.ExpectAsync<HeartbeatAck>()).Seq);
        WsMiner back = await hub.ConnectWebAsync();
        await back.SendAsync(new Hello(1, [], "m", null, token));
        Assert.True((await back.ExpectAsync<Welcome>()).Resumed);
        await miner.ExpectGoodbyeAsync(CloseReason.Replaced, Binary);
    }

    [Fact]
    public async Task Hub_answers_in_the_form_last_used()
    {
        await using TestHub hub = await TestHub.StartAsync();
        WsMiner miner = await hub.ConnectWebAsync(await hub.RegisterAsync("m"));
        await miner.SendAsync(TcpMiner.HeartbeatOf(1));
        Assert.Equal(1, (await miner.ExpectAsync<HeartbeatAck>()).Seq);
        await miner.SendTextAsync("""{"queue_len":0}""");
        Assert.Equal(2, (await miner.ExpectTextAsync("ack")).GetProperty("seq").GetInt64());
        await miner.SendAsync([0xc1], Binary);
        await miner.ExpectGoodbyeAsync(CloseReason.Malformed, Binary);
    }

    [Fact]
    public async Task Miner_with_a_token_that_has_not_spoken_is_addressed_in_text()
    {
        await using TestHub hub = await TestHub.StartAsync();
        string token = await hub.RegisterAsync("m");
        WsMiner older = await hub.ConnectWebAsync(token);
        await hub.ConnectWebAsync(token);
        await older.ExpectGoodbyeAsync(CloseReason.Replaced, Text);
    }

    [Fact]
    public async Task Token_that_is_not_valid_is_refused_before_the_upgrade()
    {
        await using TestHub hub = await TestHub.StartAsync();
        Assert.Contains("401", (await Assert.ThrowsAsync<WebSocketException>(() => hub.ConnectWebAsync("forged"))).Message, StringComparison.Ordinal);
        string key = await hub.IssueKeyAsync("m");
        string stale = await hub.RegisterAsync("m", key);
        await hub.RegisterAsync("m", key);
        Assert.Contains("409", (await Assert.ThrowsAsync<WebSocketException>(() => hub.ConnectWebAsync(stale))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Text_without_a_token_is_refused()
    {
        await using TestHub hub = await TestHub.StartAsync();
        WsMiner miner = await hub.ConnectWebAsync();
        await miner.SendTextAsync("""{"queue_len":0}""");
        await miner.ExpectGoodbyeAsync(CloseReason.HelloExpected, Binary);
    }

    [Fact]
    public async Task Silence_without_a_token_ends_after_two_seconds()
    {
        await using TestHub hub = await TestHub.StartAsync();
        WsMiner miner = await hub.ConnectWebAsync();
        hub.AdvanceSec(2);
        await miner.ExpectGoodbyeAsync(CloseReason.HelloTimeout, Binary);
    }

    [Fact]
    public async Task Message_in_fragments_is_one_message()
    {
        await using TestHub hub = await TestHub.StartAsync();
        WsMiner miner = await hub.ConnectWebAsync(await hub.RegisterAsync("m"));
        byte[] text = """{"queue_len":0,"seq":3}"""u8.ToArray();
        foreach (byte b in text[..^1])
        {
            await miner.SendAsync([b], Text, end: false);
        }
        await miner.SendAsync([text[^1]], Text);
        Assert.Equal(3, (await miner.ExpectTextAsync("ack")).GetProperty("seq").GetInt64());
        byte[] large = Frame.Encode(new Update(1, true, [.. Enumerable.Range(0, 400).Select(i => new string('j', 128))], null)).ToArray();
        await miner.SendAsync(large[..30_000], Binary, end: false);
        await miner.SendAsync(large[30_000..], Binary);
        Assert.Equal(3, (await miner.ExpectAsync<HeartbeatAck>()).Seq);
    }

    [Fact]
    public async Task Message_over_the_limit_ends_the_conversation_before_its_end()
    {
        await using TestHub hub = await TestHub.StartAsync();
        WsMiner miner = await hub.ConnectWebAsync(await hub.RegisterAsync("m"));
        await miner.SendAsync(new byte[65_537], Text, end: false);
        await miner.ExpectGoodbyeAsync(CloseReason.FrameTooLong, Text);
    }

    [Fact]
    public async Task Get_without_an_upgrade_is_refused()
    {
        await using TestHub hub = await TestHub.StartAsync();
        (await hub.Http.GetAsync("/v1/miners/heartbeat")).Expect(400);
    }
}

using PoolHub.Protocol;
using PoolHub.Protocol.Http;
using PoolHub.Protocol.Wire;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Sessions;

public sealed class CommandTests
{
    private const string Cap = """{"command":"set_price_cap","price_token_per_ksec":0.5}""";

    [Fact]
    public async Task Command_is_pushed_and_its_acknowledgement_answered()
    {
        await using TestHub hub = await TestHub.StartAsync();
        TcpMiner miner = await hub.EnrolAsync("m");
        Assert.Equal(("accepted", 1L, null), await AskAsync(hub, miner, Cap, accepted: true));
        Assert.Equal(("refused", 2L, "not now"), await AskAsync(hub, miner, """{"command":"reconnect","addr":"h:1","delay_ms":9}""", accepted: false, "not now"));
    }

    [Fact]
    public async Task Command_without_an_acknowledgement_is_pending_after_its_wait()
    {
        await using TestHub hub = await TestHub.StartAsync();
        TcpMiner miner = await hub.EnrolAsync("m");
        Task<Answer> asked = hub.Admin.PostAsync("/v1/miners/m/commands", """{"command":"reconnect","wait_ms":7000}""");
        Command command = await miner.ExpectAsync<Command>();
        while (!asked.IsCompleted)
        {
            // It may be that the request has sent the command and does not wait yet.
            hub.Time.Advance(TimeSpan.FromMilliseconds(7_000));
            await miner.BeatAsync(1);
        }
        Assert.Equal("pending", (await asked).Expect(200).Text("status"));
        Assert.Equal(1, command.Id);
        Assert.Equal("pending", (await hub.Admin.PostAsync("/v1/miners/m/commands", """{"command":"reconnect","wait_ms":0}""")).Text("status"));
    }

    [Fact]
    public async Task Waiting_commands_are_repeated_after_a_resume_until_acknowledged()
    {
        await using TestHub hub = await TestHub.StartAsync();
        TcpMiner miner = await hub.EnrolAsync("m");
        await SendAsync(hub, Cap);
        await SendAsync(hub, """{"command":"update_tags","tags":["a"]}""");
        TcpMiner back = await hub.ResumeAsync("m", miner.Token);
        Assert.Equal(new TokenPrice(50_000_000), (await back.ExpectAsync<Command>()).Price);
        Command second = await back.ExpectAsync<Command>();
        Assert.Equal((2L, CommandKind.UpdateTags), (second.Id, second.Kind));
        await back.SendAsync(new CommandAck(1, true, ""));
        await back.BeatAsync(1);
        TcpMiner again = await hub.ResumeAsync("m", miner.Token);
        Assert.Equal(2, (await again.ExpectAsync<Command>()).Id);
        await again.SendAsync(new CommandAck(2, true, ""));
        await again.BeatAsync(1);
        await (await hub.ResumeAsync("m", miner.Token)).BeatAsync(1);
    }

    [Fact]
    public async Task Command_to_a_miner_that_is_registering_reaches_it_once_it_has_registered()
    {
        await using TestHub hub = await TestHub.StartAsync();
        string key = await hub.IssueKeyAsync("m");
        _ = await hub.RegisterAsync("m", key);
        TcpMiner miner = await hub.ConnectAsync();
        await miner.HelloAsync("m", key);
        await SendAsync(hub, Cap);
        await miner.SendAsync(new Register(Samples.Profile));
        _ = await miner.ExpectAsync<Registered>();
        Assert.Equal(1, (await miner.ExpectAsync<Command>()).Id);
        // Another registration of the same conversation repeats nothing.
        await miner.SendAsync(new Register(Samples.Profile));
        _ = await miner.ExpectAsync<Registered>();
        await miner.BeatAsync(1);
    }

    [Fact]
    public async Task Miner_over_http_gets_commands_with_its_answers_until_it_acknowledges()
    {
        await using TestHub hub = await TestHub.StartAsync();
        string token = await hub.RegisterAsync("m");
        await SendAsync(hub, Cap);
        await SendAsync(hub, """{"command":"drain"}""");
        await SendAsync(hub, """{"command":"update_tags","tags":[]}""");
        await SendAsync(hub, """{"command":"reconnect","addr":"h:1","delay_ms":9}""");
        PendingCommand[] waiting = (await RenewAsync()).Commands!;
        Assert.Equal(["set_price_cap", "drain", "update_tags", "reconnect"], waiting.Select(c => c.Command));
        Assert.Equal((new TokenPrice(50_000_000), true, "h:1", 9), (waiting[0].PriceTokenPerKsec, waiting[1].On, waiting[3].Addr, waiting[3].DelayMs));
        Assert.Empty(waiting[2].Tags!);
        Answer answer = await hub.Http.PostAsync("/v1/miners/update", $$"""
            {"session_token":"{{token}}","queue_len":0,"command_acks":[{"command_id":1,"accepted":true},{"command_id":2,"accepted":false,"detail":"no"},{"command_id":99,"accepted":true}]}
            """);
        Assert.Equal([3L, 4L], answer.Expect(200).Read(HubJson.Default.LeaseResponse).Commands!.Select(c => c.CommandId));
        Assert.Equal([3L, 4L], (await RenewAsync()).Commands!.Select(c => c.CommandId));

        async Task<LeaseResponse> RenewAsync() =>
            (await hub.Http.GetAsync("/v1/miners/lease/renew", ("X-PoolHub-Session", token))).Expect(200).Read(HubJson.Default.LeaseResponse);
    }

    [Fact]
    public async Task Price_cap_lowers_the_price_in_a_match_only_when_it_is_accepted()
    {
        await using TestHub hub = await TestHub.StartAsync();
        TcpMiner miner = await hub.EnrolAsync("m");
        _ = await AskAsync(hub, miner, Cap, accepted: false);
        Assert.Equal(Samples.Profile.Price, await PriceAsync(hub));
        _ = await AskAsync(hub, miner, Cap, accepted: true);
        await miner.BeatAsync(1);
        Assert.Equal(new TokenPrice(50_000_000), await PriceAsync(hub));
        // A cap above the price changes nothing.
        _ = await AskAsync(hub, miner, """{"command":"set_price_cap","price_token_per_ksec":9}""", accepted: true);
        await miner.BeatAsync(2);
        Assert.Equal(new TokenPrice(50_000_000), await PriceAsync(hub));
    }

    [Fact]
    public async Task Tags_that_are_accepted_hold_at_once()
    {
        await using TestHub hub = await TestHub.StartAsync();
        TcpMiner miner = await hub.EnrolAsync("m");
        _ = await AskAsync(hub, miner, """{"command":"update_tags","tags":["x","y"]}""", accepted: true);
        await miner.BeatAsync(1);
        Assert.Equal(["x", "y"], (await hub.ShowAsync("m")).Read(HubJson.Default.MinerSnapshot).Tags);
    }

    [Fact]
    public async Task Miner_without_a_session_takes_no_command()
    {
        await using TestHub hub = await TestHub.StartAsync();
        (await hub.Admin.PostAsync("/v1/miners/nobody/commands", """{"command":"drain"}""")).Expect(404);
        TcpMiner miner = await hub.EnrolAsync("m");
        await miner.SendAsync(new Goodbye(CloseReason.Leaving, "", 0));
        await miner.ExpectEndAsync();
        (await hub.Admin.PostAsync("/v1/miners/m/commands", Cap)).Expect(409);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_is_accepted_over_a_socket_is_so_before_the_admin_is_told(bool web)
    {
        await using TestHub hub = await TestHub.StartAsync();
        for (int i = 0; i < 20; i++)
        {
            string id = $"m-{i}";
            Task<Answer> asked;
            if (web)
            {
                WsMiner miner = await hub.ConnectWebAsync(await hub.RegisterAsync(id));
                asked = hub.Admin.PostAsync($"/v1/miners/{id}/commands", Cap);
                _ = await miner.ExpectTextAsync("command");
                await miner.SendTextAsync("""{"type":"command_ack","command_id":1,"accepted":true}""");
            }
            else
            {
                TcpMiner miner = await hub.EnrolAsync(id);
                asked = hub.Admin.PostAsync($"/v1/miners/{id}/commands", Cap);
                await miner.SendAsync(new CommandAck((await miner.ExpectAsync<Command>()).Id, true, ""));
            }
            Assert.Equal("accepted", (await asked).Expect(200).Text("status"));
            Assert.Equal(new TokenPrice(50_000_000), (await hub.ShowAsync(id)).Read(HubJson.Default.MinerSnapshot).PriceTokenPerKsec);
        }
    }

    [Theory]
    [InlineData(Cap)]
    [InlineData("""{"command":"update_tags","tags":["new"]}""")]
    public async Task What_could_not_be_stored_is_not_accepted_and_may_be_acknowledged_again(string command)
    {
        await using TestHub hub = await TestHub.StartAsync();
        TcpMiner live = await hub.EnrolAsync("live");
        string token = await hub.RegisterAsync("web");
        hub.BreakStore();
        Task<Answer> asked = hub.Admin.PostAsync("/v1/miners/live/commands", command);
        Command sent = await live.ExpectAsync<Command>();
        await live.SendAsync(new CommandAck(sent.Id, true, ""));
        _ = await live.ExpectGoodbyeAsync(CloseReason.Unavailable);
        Assert.False(asked.IsCompleted);
        hub.MendStore();
        TcpMiner back = await hub.ResumeAsync("live", live.Token);
        Assert.Equal(sent.Id, (await back.ExpectAsync<Command>()).Id);
        await back.SendAsync(new CommandAck(sent.Id, true, ""));
        Assert.Equal("accepted", (await asked).Expect(200).Text("status"));

        await SendAsync(hub, command, "web");
        hub.BreakStore();
        (await AcknowledgeAsync()).Expect(503);
        hub.MendStore();
        (await AcknowledgeAsync()).Expect(200);
        foreach (string id in (string[])["live", "web"])
        {
            MinerSnapshot shown = (await hub.ShowAsync(id)).Read(HubJson.Default.MinerSnapshot);
            Assert.True(shown.PriceTokenPerKsec == new TokenPrice(50_000_000) || shown.Tags is ["new"], $"{shown}");
        }

        Task<Answer> AcknowledgeAsync() => hub.Http.PostAsync(
            "/v1/miners/update", """{"queue_len":0,"command_acks":[{"command_id":1,"accepted":true}]}""", ("X-PoolHub-Session", token));
    }

    [Fact]
    public async Task What_a_miner_accepts_whose_session_is_over_is_not_accepted()
    {
        await using TestHub hub = await TestHub.StartAsync();
        string key = await hub.IssueKeyAsync("m");
        _ = await hub.RegisterAsync("m", key);
        // Not registered yet, and so nothing of it can change.
        TcpMiner miner = await hub.ConnectAsync();
        await miner.HelloAsync("m", key);
        Task<Answer> asked = hub.Admin.PostAsync("/v1/miners/m/commands", Cap);
        await miner.SendAsync(new Goodbye(CloseReason.Leaving, "", 0));
        await miner.ExpectEndAsync();
        Answer answer = await asked;
        Assert.True(answer.Status == System.Net.HttpStatusCode.Conflict || answer.Text("status") == "refused", answer.Body);
    }

    [Theory]
    [InlineData("command", """{}""")]
    [InlineData("command", """{"command":"explode"}""")]
    [InlineData("price_token_per_ksec", """{"command":"set_price_cap"}""")]
    [InlineData("price_token_per_ksec", """{"command":"set_price_cap","price_token_per_ksec":-1}""")]
    [InlineData("tags", """{"command":"update_tags"}""")]
    [InlineData("tags", """{"command":"update_tags","tags":[""]}""")]
    [InlineData("tags", """{"command":"update_tags","tags":[null]}""")]
    [InlineData("addr", """{"command":"reconnect","addr":"a\u0007"}""")]
    [InlineData("delay_ms", """{"command":"reconnect","delay_ms":-1}""")]
    [InlineData("delay_ms", """{"command":"reconnect","delay_ms":2147483648}""")]
    [InlineData("wait_ms", """{"command":"drain","wait_ms":60001}""")]
    [InlineData("wait_ms", """{"command":"drain","wait_ms":-1}""")]
    [InlineData("on", """{"command":"drain","on":"yes"}""")]
    [InlineData("force", """{"command":"drain","force":1}""")]
    public async Task Command_that_makes_no_sense_is_refused_with_its_field(string field, string body)
    {
        await using TestHub hub = await TestHub.StartAsync();
        (await hub.Admin.PostAsync("/v1/miners/m/commands", body)).ExpectField(field);
    }

    [Fact]
    public async Task Sixty_fifth_waiting_command_is_refused()
    {
        await using TestHub hub = await TestHub.StartAsync();
        await hub.RegisterAsync("m");
        for (int i = 0; i < 64; i++)
        {
            await SendAsync(hub, Cap);
        }
        Answer refused = await hub.Admin.PostAsync("/v1/miners/m/commands", """{"command":"reconnect","wait_ms":0}""");
        Assert.NotNull(refused.Expect(429).RetryAfter);
        Assert.Equal(["m"], await hub.MatchAsync());
    }

    [Fact]
    public async Task Command_that_waits_is_refused_when_the_session_ends()
    {
        await using TestHub hub = await TestHub.StartAsync();
        TcpMiner miner = await hub.EnrolAsync("m");
        Task<Answer> asked = hub.Admin.PostAsync("/v1/miners/m/commands", Cap);
        _ = await miner.ExpectAsync<Command>();
        await miner.SendAsync(new Goodbye(CloseReason.Leaving, "", 0));
        Assert.Equal("refused", (await asked).Expect(200).Text("status"));
    }

    private static async Task<(string Status, long Id, string? Detail)> AskAsync(
        TestHub hub, TcpMiner miner, string body, bool accepted, string detail = "")
    {
        Task<Answer> asked = hub.Admin.PostAsync("/v1/miners/m/commands", body);
        Command command = await miner.ExpectAsync<Command>();
        await miner.SendAsync(new CommandAck(command.Id, accepted, detail));
        CommandResponse answer = (await asked).Expect(200).Read(HubJson.Default.CommandResponse);
        Assert.Equal(command.Id, answer.CommandId);
        return (answer.Status, command.Id, answer.Detail);
    }

    private static async Task SendAsync(TestHub hub, string body, string minerId = "m") =>
        (await hub.Admin.PostAsync($"/v1/miners/{minerId}/commands", body.Replace("}", ""","wait_ms":0}""", StringComparison.Ordinal))).Expect(200);

    private static async Task<TokenPrice> PriceAsync(TestHub hub) => Assert.Single(
        (await hub.Coordinator.PostAsync("/v1/match", """{"job_id":"j"}""")).Expect(200).Read(HubJson.Default.MatchResponse).Candidates).Price;
}

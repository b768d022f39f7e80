using PoolHub.Protocol;
using PoolHub.Protocol.Http;
using PoolHub.Protocol.Wire;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Sessions;

/// <summary>An admin can always have the hub offer a miner no jobs, and what is said of it is so.</summary>
public sealed class DrainTests
{
    [Fact]
    public async Task Drain_takes_the_miner_out_of_matches_at_once_and_back()
    {
        await using TestHub hub = await TestHub.StartAsync();
        await hub.EnrolAsync("m");
        Assert.Equal("pending", (await DrainAsync(hub, on: true, waitMs: 0)).Status);
        await ExpectDrainingAsync(hub, true);
        Assert.Equal("pending", (await DrainAsync(hub, on: false, waitMs: 0)).Status);
        await ExpectDrainingAsync(hub, false);
    }

    [Fact]
    public async Task Drain_that_the_miner_refuses_is_taken_back_and_one_by_force_is_not()
    {
        await using TestHub hub = await TestHub.StartAsync();
        TcpMiner miner = await hub.EnrolAsync("m");
        CommandResponse answer = await AnsweredAsync(hub, miner, """{"command":"drain"}""", accepted: false);
        Assert.Equal(("refused", "not now"), (answer.Status, answer.Detail));
        await ExpectDrainingAsync(hub, false);
        answer = await AnsweredAsync(hub, miner, """{"command":"drain","force":true}""", accepted: false);
        Assert.Equal(("accepted", "by the hub, though the miner refuses not now"), (answer.Status, answer.Detail));
        await ExpectDrainingAsync(hub, true);
        // Likewise the other way.
        Assert.Equal("refused", (await AnsweredAsync(hub, miner, """{"command":"drain","on":false}""", accepted: false)).Status);
        await ExpectDrainingAsync(hub, true);
        Assert.Equal("accepted", (await AnsweredAsync(hub, miner, """{"command":"drain","on":false}""", accepted: true)).Status);
        await ExpectDrainingAsync(hub, false);
    }

    [Fact]
    public async Task Drain_that_is_refused_over_http_is_taken_back()
    {
        await using TestHub hub = await TestHub.StartAsync();
        string token = await hub.RegisterAsync("m");
        long? id = (await DrainAsync(hub, on: true, waitMs: 0)).CommandId;
        await ExpectDrainingAsync(hub, true);
        (await hub.Http.PostAsync(
            "/v1/miners/update", $$"""{"queue_len":0,"command_acks":[{"command_id":{{id}},"accepted":false}]}""", ("X-PoolHub-Session", token))).Expect(200);
        await ExpectDrainingAsync(hub, false);
    }

    [Fact]
    public async Task Newer_drain_takes_the_place_of_one_that_waits_and_its_refusal_goes_back_before_both()
    {
        await using TestHub hub = await TestHub.StartAsync();
        TcpMiner miner = await hub.EnrolAsync("m");
        Task<CommandResponse> first = DrainAsync(hub, on: true);
        _ = await miner.ExpectAsync<Command>();
        Task<CommandResponse> second = DrainAsync(hub, on: true);
        Command last = await miner.ExpectAsync<Command>();
        Assert.Equal("accepted", (await first).Status);
        // Of the first nothing is asked any more.
        await miner.SendAsync(new CommandAck(last.Id - 1, false, ""));
        await miner.SendAsync(new CommandAck(last.Id, false, ""));
        Assert.Equal("refused", (await second).Status);
        await ExpectDrainingAsync(hub, false);
    }

    [Fact]
    public async Task Drain_works_however_many_commands_wait()
    {
        await using TestHub hub = await TestHub.StartAsync();
        string token = await hub.RegisterAsync("m");
        for (int i = 0; i < 64; i++)
        {
            (await hub.Admin.PostAsync("/v1/miners/m/commands", """{"command":"reconnect","wait_ms":0}""")).Expect(200);
        }
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal("pending", (await DrainAsync(hub, on: true, waitMs: 0)).Status);
        }
        await ExpectDrainingAsync(hub, true);
        PendingCommand[] waiting = (await hub.Http.GetAsync("/v1/miners/lease/renew", ("X-PoolHub-Session", token))).Expect(200)
            .Read(HubJson.Default.LeaseResponse).Commands!;
        Assert.Equal((65, "drain"), (waiting.Length, waiting[^1].Command));
    }

    [Fact]
    public async Task Drain_of_a_miner_that_is_offline_is_so_when_it_comes_back()
    {
        await using TestHub hub = await TestHub.StartAsync();
        string key = await hub.IssueKeyAsync("m");
        TcpMiner miner = await hub.ConnectAsync();
        await miner.EnrolAsync("m", key);
        await miner.SendAsync(new Goodbye(CloseReason.Leaving, "", 0));
        await miner.ExpectEndAsync();
        CommandResponse answer = await DrainAsync(hub, on: true);
        Assert.Equal(("accepted", null), (answer.Status, answer.CommandId));
        _ = await hub.RegisterAsync("m", key);
        await ExpectDrainingAsync(hub, true);
    }

    /// <summary>The session's end says nothing of the drain, which goes on.</summary>
    [Fact]
    public async Task Drain_that_waits_when_the_session_ends_is_accepted()
    {
        await using TestHub hub = await TestHub.StartAsync();
        TcpMiner miner = await hub.EnrolAsync("m");
        Task<CommandResponse> asked = DrainAsync(hub, on: true);
        _ = await miner.ExpectAsync<Command>();
        await miner.SendAsync(new Goodbye(CloseReason.Leaving, "", 0));
        Assert.Equal("accepted", (await asked).Status);
        Assert.True((await hub.ShowAsync("m")).Json.GetProperty("draining").GetBoolean());
    }

    [Fact]
    public async Task Drain_outlives_restarts_until_it_is_ended()
    {
        await using TestHub hub = await TestHub.StartAsync();
        TcpMiner miner = await hub.EnrolAsync("m");
        _ = await AnsweredAsync(hub, miner, """{"command":"drain"}""", accepted: true);
        await hub.RestartAsync();
        await ExpectDrainingAsync(hub, true);
        _ = await hub.ResumeAsync("m", miner.Token);
        await ExpectDrainingAsync(hub, true);
        Assert.Equal("pending", (await DrainAsync(hub, on: false, waitMs: 0)).Status);
        await hub.RestartAsync();
        await ExpectDrainingAsync(hub, false);
    }

    [Fact]
    public async Task Drain_that_cannot_be_stored_is_so_and_the_admin_is_told_until_when()
    {
        await using TestHub hub = await TestHub.StartAsync();
        await hub.EnrolAsync("m");
        hub.BreakStore();
        Answer answer = (await hub.Admin.PostAsync("/v1/miners/m/commands", """{"command":"drain"}""")).Expect(503);
        Assert.Contains("drains, but until the hub restarts", answer.Text("detail"), StringComparison.Ordinal);
        await ExpectDrainingAsync(hub, true);
        hub.MendStore();
        Assert.Equal("pending", (await DrainAsync(hub, on: true, waitMs: 0)).Status);
        await hub.RestartAsync();
        await ExpectDrainingAsync(hub, true);
    }

    [Fact]
    public async Task Drain_is_in_the_audit_log()
    {
        await using TestHub hub = await TestHub.StartAsync();
        await hub.EnrolAsync("m");
        _ = await DrainAsync(hub, on: true, waitMs: 0);
        AuditPage page = (await hub.Admin.GetAsync("/v1/audit?miner_id=m&limit=1")).Expect(200).Read(HubJson.Default.AuditPage);
        Assert.Equal(("command", "drain"), (page.Entries[0].Action, page.Entries[0].Detail));
    }

    private static async Task<CommandResponse> DrainAsync(TestHub hub, bool on, int waitMs = 20_000) =>
        (await hub.Admin.PostAsync("/v1/miners/m/commands", $$"""{"command":"drain","on":{{(on ? "true" : "false")}},"wait_ms":{{waitMs}}}"""))
            .Expect(200).Read(HubJson.Default.CommandResponse);

    private static async Task<CommandResponse> AnsweredAsync(TestHub hub, TcpMiner miner, string body, bool accepted)
    {
        Task<Answer> asked = hub.Admin.PostAsync("/v1/miners/m/commands", body);
        Command command = await miner.ExpectAsync<Command>();
        await miner.SendAsync(new CommandAck(command.Id, accepted, accepted ? "" : "not now"));
        return (await asked).Expect(200).Read(HubJson.Default.CommandResponse);
    }

    private static async Task ExpectDrainingAsync(TestHub hub, bool draining)
    {
        Assert.Equal(draining, (await hub.ShowAsync("m")).Json.GetProperty("draining").GetBoolean());
        Assert.Equal(draining ? [] : ["m"], await hub.MatchAsync());
    }
}

using PoolHub.Protocol;
using PoolHub.Protocol.Http;
using PoolHub.Protocol.Wire;
using PoolHub.Tests.Protocol;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Sessions;

/// <summary>docs/protocol.md, "Conversation": from the registration to the end.</summary>
public sealed class LiveConversationTests
{
    [Fact]
    public async Task Heartbeat_is_acknowledged_and_seen()
    {
        await using TestHub hub = await TestHub.StartAsync();
        TcpMiner miner = await hub.EnrolAsync("m");
        await miner.SendAsync(new Heartbeat(1, 5, 3, 120, 61, 7.5));
        HeartbeatAck ack = await miner.ExpectAsync<HeartbeatAck>();
        Assert.Equal(1, ack.Seq);
        Assert.InRange(ack.NextHeartbeatSec, 13, 17);
        MinerSnapshot seen = (await hub.ShowAsync("m")).Read(HubJson.Default.MinerSnapshot);
        Assert.Equal(("online", "tcp", 3, 120, 61, 7.5), (seen.State, seen.Transport, seen.QueueLen, seen.AvgLatencyMs, seen.TempC, seen.MemFreeGb));
    }

    [Fact]
    public async Task Update_is_acknowledged_with_the_last_heartbeat_and_changes_the_price()
    {
        await using TestHub hub = await TestHub.StartAsync();
        TcpMiner miner = await hub.EnrolAsync("m");
        await miner.SendAsync(new Update(2, true, ["j"], null));
        Assert.Equal(0, (await miner.ExpectAsync<HeartbeatAck>()).Seq);
        await miner.BeatAsync(4, 2);
        await miner.SendAsync(new Update(2, true, ["j"], new TokenPrice(1)));
        Assert.Equal(4, (await miner.ExpectAsync<HeartbeatAck>()).Seq);
        MinerSnapshot seen = (await hub.ShowAsync("m")).Read(HubJson.Default.MinerSnapshot);
        Assert.Equal((2, true, new TokenPrice(1)), (seen.QueueLen, seen.Busy, seen.PriceTokenPerKsec));
    }

    [Fact]
    public async Task Register_of_a_live_miner_replaces_its_profile()
    {
        await using TestHub hub = await TestHub.StartAsync();
        TcpMiner miner = await hub.EnrolAsync("m");
        await miner.SendAsync(new Register(Samples.Profile with { Tags = ["new"] }));
        _ = await miner.ExpectAsync<Registered>();
        Assert.Equal(["new"], (await hub.ShowAsync("m")).Read(HubJson.Default.MinerSnapshot).Tags);
    }

    [Fact]
    public async Task Message_out_of_its_place_is_an_error_and_the_conversation_goes_on()
    {
        await using TestHub hub = await TestHub.StartAsync();
        string key = await hub.IssueKeyAsync("m");
        TcpMiner miner = await hub.ConnectAsync();
        await miner.HelloAsync("m", key);
        await miner.SendAsync(TcpMiner.HeartbeatOf(1));
        _ = await miner.ExpectErrorAsync(ErrorCode.OutOfOrder, MessageNumber.Heartbeat);
        await miner.SendAsync(new Update(0, false, [], null));
        _ = await miner.ExpectErrorAsync(ErrorCode.OutOfOrder, MessageNumber.Update);
        await miner.SendAsync(new Register(Samples.Profile));
        _ = await miner.ExpectAsync<Registered>();
        await miner.SendAsync(new Hello(1, [], "m", key, null));
        _ = await miner.ExpectErrorAsync(ErrorCode.OutOfOrder, MessageNumber.Hello);
        await miner.SendAsync(new Ping(1));
        _ = await miner.ExpectErrorAsync(ErrorCode.OutOfOrder, MessageNumber.Ping);
        await miner.BeatAsync(1);
    }

    [Fact]
    public async Task Unknown_message_is_an_error_and_the_conversation_goes_on()
    {
        await using TestHub hub = await TestHub.StartAsync();
        TcpMiner miner = await hub.EnrolAsync("m");
        await miner.SendBodyAsync(0x92, 0x63, 0x80);
        _ = await miner.ExpectErrorAsync(ErrorCode.UnknownMessage, (MessageNumber)0x63);
        await miner.SendBodyAsync(0x91, 0xff);
        _ = await miner.ExpectErrorAsync(ErrorCode.UnknownMessage, (MessageNumber)(-1));
        await miner.BeatAsync(1);
    }

    [Fact]
    public async Task Newer_fields_at_the_end_are_stepped_over()
    {
        await using TestHub hub = await TestHub.StartAsync();
        TcpMiner miner = await hub.EnrolAsync("m");
        // seq 9, ts 0, queue 0, three nils, then a map and an extension.
        await miner.SendBodyAsync(0x99, 0x05, 0x09, 0x00, 0x00, 0xc0, 0xc0, 0xc0, 0x81, 0xa1, 0x61, 0x01, 0xd4, 0x01, 0x00);
        Assert.Equal(9, (await miner.ExpectAsync<HeartbeatAck>()).Seq);
    }

    [Theory]
    [MemberData(nameof(BadProfiles))]
    public async Task Profile_out_of_its_limits_is_refused_with_its_field(string field, MinerProfile profile)
    {
        await using var hub = new HubParts();
        PipeMiner miner = await hub.EnrolAsync("m");
        miner.Send(new Register(profile));
        Error error = await miner.ExpectAsync<Error>();
        Assert.Equal((ErrorCode.InvalidField, 3, field), (error.Code, error.InReplyTo, error.Field));
    }

    [Theory]
    [InlineData("register/older-without-owner")]
    [InlineData("register/owner-nil")]
    public async Task Profile_of_a_miner_that_does_not_know_of_owners_is_taken(string vector)
    {
        await using var hub = new HubParts();
        PipeMiner miner = await hub.EnrolAsync("m");
        miner.SendBody(GoldenVectors.Named(vector).Body);
        _ = await miner.ExpectAsync<Registered>();
        Assert.Equal("", hub.Registry.Find("m")!.Profile!.Owner);
    }

    public static IEnumerable<TheoryDataRow<string, MinerProfile>> BadProfiles()
    {
        MinerProfile p = Samples.Profile;
        yield return new("addr", p with { Addr = "" });
        yield return new("addr", p with { Addr = "a b" });
        yield return new("addr", p with { Addr = new string('a', 256) });
        yield return new("proto", p with { Proto = "GRPC" });
        yield return new("gpu_name", p with { GpuName = "a\nb" });
        yield return new("gpu_vram_gb", p with { GpuVramGb = double.NaN });
        yield return new("gpu_vram_gb", p with { GpuVramGb = double.PositiveInfinity });
        yield return new("gpu_vram_gb", p with { GpuVramGb = -1 });
        yield return new("gpu_vram_gb", p with { GpuVramGb = 1e300 });
        yield return new("ram_gb", p with { RamGb = double.NegativeInfinity });
        yield return new("cpu_cores", p with { CpuCores = int.MaxValue });
        yield return new("price_e8", p with { Price = new TokenPrice(-1) });
        yield return new("price_e8", p with { Price = new TokenPrice(long.MaxValue) });
        yield return new("max_parallel", p with { MaxParallel = 0 });
        yield return new("region", p with { Region = "EU" });
        yield return new("owner", p with { Owner = "a\nb" });
        yield return new("owner", p with { Owner = new string('o', Limits.OwnerChars + 1) });
        yield return new("tags", p with { Tags = [.. Enumerable.Range(0, 10_000).Select(i => $"{i}")] });
        yield return new("capabilities", p with { Capabilities = [""] });
        yield return new("accel", p with { Accel = [new string('x', 129)] });
    }

    [Theory]
    [InlineData("queue_len", -1, null, null, null)]
    [InlineData("queue_len", 1_000_001, null, null, null)]
    [InlineData("avg_latency_ms", 0, -1, null, null)]
    [InlineData("temp_c", 0, null, 1_001, null)]
    [InlineData("mem_free_gb", 0, null, null, double.NaN)]
    [InlineData("mem_free_gb", 0, null, null, double.PositiveInfinity)]
    [InlineData("mem_free_gb", 0, null, null, -0.1)]
    public async Task Heartbeat_out_of_its_limits_is_refused_with_its_field(string field, int queueLen, int? latencyMs, int? tempC, double? freeGb)
    {
        await using var hub = new HubParts();
        PipeMiner miner = await hub.EnrolAsync("m");
        miner.Send(new Heartbeat(1, 0, queueLen, latencyMs, tempC, freeGb));
        Error error = await miner.ExpectAsync<Error>();
        Assert.Equal((ErrorCode.InvalidField, 5, field), (error.Code, error.InReplyTo, error.Field));
        miner.ExpectSilence();
    }

    [Fact]
    public async Task Sixteen_errors_in_a_row_end_it_and_an_accepted_message_begins_anew()
    {
        await using var hub = new HubParts();
        PipeMiner miner = await hub.EnrolAsync("m");
        await FailAsync(15);
        miner.Send(TcpMiner.HeartbeatOf(1));
        _ = await miner.ExpectAsync<HeartbeatAck>();
        await FailAsync(16);
        await miner.ExpectGoodbyeAsync(CloseReason.TooManyErrors);

        async Task FailAsync(int times)
        {
            for (int i = 0; i < times; i++)
            {
                miner.SendBody(0x91, 0x63);
                _ = await miner.ExpectAsync<Error>();
            }
        }
    }

    [Fact]
    public async Task Goodbye_of_the_miner_takes_it_off_at_once_and_the_hub_closes()
    {
        await using TestHub hub = await TestHub.StartAsync();
        TcpMiner miner = await hub.EnrolAsync("m");
        await miner.SendAsync(new Goodbye(CloseReason.Leaving, "bye", 0));
        await miner.ExpectEndAsync();
        Assert.Equal("offline", await hub.StateAsync("m"));
        Assert.Empty(await hub.MatchAsync());
        Assert.False((await hub.ShowAsync("m")).Has("transport"));
    }

    [Fact]
    public async Task Drop_degrades_at_once_and_the_next_heartbeat_after_a_resume_restores()
    {
        await using TestHub hub = await TestHub.StartAsync();
        TcpMiner miner = await hub.EnrolAsync("m");
        await miner.DisposeAsync();
        await hub.UntilAsync("m", "degraded");
        Assert.Equal(["m"], await hub.MatchAsync());
        Assert.False((await hub.ShowAsync("m")).Has("transport"));
    }

    [Fact]
    public async Task Silence_degrades_then_ends_the_conversation_and_leaves_no_session_behind()
    {
        await using TestHub hub = await TestHub.StartAsync();
        TcpMiner miner = await hub.EnrolAsync("m");
        hub.AdvanceSec(60);
        Assert.Equal("degraded", await hub.StateAsync("m"));
        hub.AdvanceSec(60);
        Assert.Equal("offline", await hub.StateAsync("m"));
        _ = await miner.ExpectGoodbyeAsync(CloseReason.LeaseExpired);
        await miner.DisposeAsync();
        await hub.EndedAsync(CloseReason.LeaseExpired, 1);
        Assert.Equal("0", await hub.MetricAsync("poolhub_sessions{transport=\"http\"}"));
        // Its token is good for as long as it says.
        await (await hub.ResumeAsync("m", miner.Token)).BeatAsync(1);
        Assert.Equal("online", await hub.StateAsync("m"));
    }

    [Fact]
    public async Task Stopping_hub_tells_every_miner_when_to_return()
    {
        await using TestHub hub = await TestHub.StartAsync();
        TcpMiner miner = await hub.EnrolAsync("m");
        TcpMiner greeting = await hub.ConnectAsync();
        await greeting.HelloAsync("g", await hub.IssueKeyAsync("g"));
        Task stopping = hub.Hub.DisposeAsync().AsTask();
        Assert.InRange((await miner.ExpectGoodbyeAsync(CloseReason.ShuttingDown)).RetryAfterMs, 1_000, 6_000);
        Assert.InRange((await greeting.ExpectGoodbyeAsync(CloseReason.ShuttingDown)).RetryAfterMs, 1_000, 6_000);
        await miner.DisposeAsync();
        await greeting.DisposeAsync();
        await stopping.WaitAsync(TestHub.Patience, TestContext.Current.CancellationToken);
    }
}

using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using PoolHub.Daemon.Access;
using PoolHub.Daemon.Gateway;
using PoolHub.Protocol;
using PoolHub.Protocol.Http;
using PoolHub.Protocol.Wire;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Gateway;

/// <summary>Addresses that come again and again without a byte, and those that are never shut out.</summary>
public sealed class WordlessBansTests
{
    private const string Stranger = "127.0.9.9";

    [Fact]
    public async Task Address_that_comes_200_times_without_a_byte_is_dropped_by_the_kernel_for_30_s_and_the_log_says_so()
    {
        await using TestHub hub = await TestHub.StartAsync();
        string key = await hub.IssueKeyAsync("m");
        using Socket before = await Dial.ConnectAsync(hub.Hub.TcpEndPoint, Stranger);
        _ = await before.SendAsync(new byte[] { 0, 0, 0, 9 }, TestContext.Current.CancellationToken);
        await KnockAsync(hub, Stranger, WordlessBans.MostWordless - 1, inside: 2);
        Assert.Empty(await BannedAsync(hub));
        await KnockAsync(hub, Stranger, 1, inside: 2);
        Assert.True(await Dial.IsRefusedAsync(hub.Hub.TcpEndPoint, Stranger));
        Assert.Equal(1, hub.Logs.Count($"Warning PoolHub.Daemon.Gateway.WordlessBans: {Stranger} is shut out for 30 s: 200 connections within 10 s brought no byte"));
        hub.AdvanceSec(1);
        Ban ban = Assert.Single((await hub.Admin.GetAsync("/v1/bans")).Expect(200).Read(HubJson.Default.BansResponse).Bans);
        Assert.Equal((Ban.Wordless, Stranger, 29), (ban.Reason, ban.Address, ban.EndsInSec));
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Parse(Stranger), 0));
        Task connecting = socket.ConnectAsync(hub.Hub.TcpEndPoint, TestContext.Current.CancellationToken).AsTask();
        await (await hub.ConnectAsync()).HelloAsync("m", key);
        Assert.False(connecting.IsCompleted);
        // Who was in before is still heard.
        hub.AdvanceSec(1);
        Assert.False(await Dial.EndsAsync(before));
        hub.AdvanceSec(29);
        // What was dropped is sent again after a second.
        await connecting.WaitAsync(TestHub.Patience, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Address_that_was_shut_out_before_is_after_half_as_many_for_twice_as_long()
    {
        await using TestHub hub = await TestHub.StartAsync();
        await KnockAsync(hub, Stranger, WordlessBans.MostWordless);
        hub.AdvanceSec(30);
        await KnockAsync(hub, Stranger, WordlessBans.MostWordlessAgain);
        Assert.Equal(1, hub.Logs.Count($"{Stranger} is shut out for 60 s: 100 connections within 10 s brought no byte"));
    }

    [Fact]
    public async Task Address_that_was_shut_out_comes_in_when_an_admin_lifts_it()
    {
        await using TestHub hub = await TestHub.StartAsync();
        await KnockAsync(hub, Stranger, WordlessBans.MostWordless);
        hub.AdvanceSec(1);
        _ = (await hub.Admin.SendAsync(HttpMethod.Delete, $"/v1/bans?address={Stranger}", null)).Expect(200);
        hub.AdvanceSec(1);
        using Socket later = await Dial.ConnectAsync(hub.Hub.TcpEndPoint, Stranger);
        await hub.UntilWaitingAsync(1);
    }

    [Fact]
    public async Task Several_checkers_that_ask_for_both_ports_every_second_do_no_harm()
    {
        await using TestHub hub = await TestHub.StartAsync();
        for (int second = 0; second < 30; second++)
        {
            for (int checker = 0; checker < 5; checker++)
            {
                (await Dial.ConnectAsync(hub.Hub.TcpEndPoint, Stranger)).Dispose();
                (await Dial.ConnectAsync(hub.Hub.HttpEndPoint, Stranger)).Dispose();
            }
            await hub.UntilConnectedAsync(0);
            hub.AdvanceSec(1);
        }
        Assert.Empty(await BannedAsync(hub));
    }

    [Fact]
    public async Task Machine_itself_is_never_shut_out()
    {
        await using TestHub hub = await TestHub.StartAsync();
        await KnockAsync(hub, "127.0.0.1", 2 * WordlessBans.MostWordless);
        Assert.Empty(await BannedAsync(hub));
    }

    /// <summary>Whoever comes with a secret over HTTP, or with a key or a token over a socket, is known by it.</summary>
    [Theory]
    [InlineData("secret")]
    [InlineData("key")]
    [InlineData("token")]
    public async Task Address_from_which_somebody_logged_in_within_a_day_is_never_shut_out(string how)
    {
        await using TestHub hub = await TestHub.StartAsync();
        string key = await hub.IssueKeyAsync("m");
        string token = await hub.RegisterAsync("m", key);
        using (NetworkStream stream = await StreamAsync(how == "secret" ? hub.HttpEndPoint : hub.TcpEndPoint))
        {
            await stream.WriteAsync(how == "secret" ? Match() : TcpMiner.FrameOf(
                new Hello(1, [], "m", how == "key" ? key : null, how == "token" ? token : null)), TestContext.Current.CancellationToken);
            Assert.NotEqual(0, await stream.ReadAsync(new byte[1], TestContext.Current.CancellationToken));
        }
        await hub.UntilConnectedAsync(1);
        await KnockAsync(hub, Stranger, 2 * WordlessBans.MostWordless);
        Assert.Empty(await BannedAsync(hub));
        hub.Advance(RecentLogins.Lately);
        await KnockAsync(hub, Stranger, WordlessBans.MostWordless);
        Assert.Equal([Stranger], await BannedAsync(hub));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Address_of_who_stays_on_one_connection_for_days_is_never_shut_out(bool coordinator)
    {
        await using TestHub hub = await TestHub.StartAsync(("SESSION_TTL_SEC", "3600"), ("HEARTBEAT_GRACE_SEC", "7200"));
        string key = await hub.IssueKeyAsync("m");
        using NetworkStream stream = await StreamAsync(coordinator ? hub.HttpEndPoint : hub.TcpEndPoint);
        var miner = new TcpMiner(stream.Socket, stream);
        if (!coordinator)
        {
            await miner.EnrolAsync("m", key);
        }
        for (int hour = 0; hour < 50; hour++)
        {
            if (coordinator)
            {
                await stream.WriteAsync(Match(), TestContext.Current.CancellationToken);
                Assert.NotEqual(0, await stream.ReadAsync(new byte[4_096], TestContext.Current.CancellationToken));
            }
            else
            {
                await miner.BeatAsync(hour);
            }
            hub.Advance(TimeSpan.FromMinutes(59));
        }
        await KnockAsync(hub, Stranger, WordlessBans.MostWordless, inside: 2);
        Assert.Empty(await BannedAsync(hub));
    }

    [Fact]
    public async Task Who_logs_in_over_a_connection_that_is_open_ends_the_shut_out_of_its_address()
    {
        await using TestHub hub = await TestHub.StartAsync();
        using NetworkStream stream = await StreamAsync(hub.HttpEndPoint);
        await stream.WriteAsync("GET /v1/health HTTP/1.1\r\nHost: hub\r\n\r\n"u8.ToArray(), TestContext.Current.CancellationToken);
        Assert.NotEqual(0, await stream.ReadAsync(new byte[4_096], TestContext.Current.CancellationToken));
        await KnockAsync(hub, Stranger, WordlessBans.MostWordless, inside: 1);
        hub.AdvanceSec(1);
        Assert.Equal([Stranger], await BannedAsync(hub));
        await stream.WriteAsync(Match(), TestContext.Current.CancellationToken);
        Assert.NotEqual(0, await stream.ReadAsync(new byte[4_096], TestContext.Current.CancellationToken));
        Assert.Empty(await BannedAsync(hub));
        hub.AdvanceSec(1);
        using Socket later = await Dial.ConnectAsync(hub.Hub.TcpEndPoint, Stranger);
        await hub.UntilWaitingAsync(1);
    }

    public static TheoryData<string, byte[]> Words => new()
    {
        { "less than a frame's length", [0] },
        { "a TLS client's hello", [0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3] },
        { "a browser", Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\nHost: hub:8204\r\n\r\n") },
    };

    [Theory]
    [MemberData(nameof(Words))]
    public async Task Connection_that_brought_a_byte_does_not_count(string what, byte[] words)
    {
        await using TestHub hub = await TestHub.StartAsync();
        for (int i = 0; i < WordlessBans.MostWordless; i++)
        {
            using Socket socket = await Dial.ConnectAsync(hub.Hub.TcpEndPoint, Stranger);
            _ = await socket.SendAsync(words, TestContext.Current.CancellationToken);
        }
        await hub.UntilConnectedAsync(0);
        Assert.True((await BannedAsync(hub)).Length == 0, what);
    }

    [Fact]
    public async Task Connection_that_brought_less_than_the_gate_waits_for_does_not_count_when_that_closes_it()
    {
        await using TestHub hub = await TestHub.StartAsync();
        Socket[] slow = await Task.WhenAll(Enumerable.Range(0, WordlessBans.MostWordless).Select(_ => Dial.ConnectAsync(hub.Hub.TcpEndPoint, Stranger)));
        await hub.UntilWaitingAsync(slow.Length);
        foreach (Socket socket in slow)
        {
            _ = await socket.SendAsync(new byte[] { 0, 0, 1 }, TestContext.Current.CancellationToken);
        }
        hub.AdvanceSec(2);
        await hub.UntilConnectedAsync(0);
        Assert.Equal($"{slow.Length}", await hub.MetricAsync("poolhub_gate_refusals_total{cap=\"deadline\"}"));
        Assert.Empty(await BannedAsync(hub));
        Array.ForEach(slow, socket => socket.Dispose());
    }

    [Fact]
    public async Task Connection_that_had_to_make_room_does_not_count()
    {
        await using TestHub hub = await TestHub.StartAsync(("MAX_GREETINGS", "4"));
        for (int i = 0; i < WordlessBans.MostWordless; i++)
        {
            using Socket crowded = await Dial.ConnectAsync(hub.Hub.TcpEndPoint, Stranger);
            await hub.UntilWaitingAsync(1);
            Socket[] others = await Task.WhenAll(Enumerable.Range(1, 4).Select(other => Dial.ConnectAsync(hub.Hub.TcpEndPoint, $"127.{other}.{i}.1")));
            Assert.True(await Dial.EndsAsync(crowded));
            Array.ForEach(others, socket => socket.Dispose());
            await hub.UntilConnectedAsync(0);
        }
        Assert.Empty(await BannedAsync(hub));
    }

    [Fact]
    public async Task Proxy_that_is_trusted_and_those_whose_header_it_sends_are_never_shut_out()
    {
        await using TestHub hub = await TestHub.StartAsync(("TRUSTED_PROXIES", Stranger), ("PROXY_PROTOCOL", "yes"));
        for (int i = 0; i < WordlessBans.MostWordless; i++)
        {
            using Socket socket = await Dial.ConnectAsync(hub.Hub.TcpEndPoint, Stranger);
            _ = await socket.SendAsync(Encoding.ASCII.GetBytes("PROXY TCP4 203.0.113.1 127.0.0.1 4000 8204\r\n"), TestContext.Current.CancellationToken);
        }
        await KnockAsync(hub, Stranger, WordlessBans.MostWordless);
        Assert.Empty(await BannedAsync(hub));
    }

    /// <summary>They were told why: whoever shares their address, behind a router, is not to suffer for it.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Address_whose_hellos_are_refused_is_not_shut_out(bool web)
    {
        await using TestHub hub = await TestHub.StartAsync(("LOGIN_FAILURE_LIMIT", "0"), ("FLAP_LIMIT_PER_MIN", "0"));
        for (int i = 0; i < 21; i++)
        {
            var hello = new Hello(1, [], $"m-{i}", MinerKey.Create(), null);
            if (web)
            {
                await using WsMiner miner = await WsMiner.ConnectAsync(hub.Hub.HttpEndPoint, token: null, inHeader: false);
                await miner.SendAsync(hello);
                await miner.ExpectGoodbyeAsync(CloseReason.BadCredentials, WebSocketMessageType.Binary);
            }
            else
            {
                await using TcpMiner miner = await TcpMiner.ConnectAsync(hub.Hub.TcpEndPoint);
                await miner.SendAsync(hello);
                _ = await miner.ExpectGoodbyeAsync(CloseReason.BadCredentials);
            }
        }
        hub.AdvanceSec(1);
        _ = await hub.EnrolAsync("m");
        Assert.Empty(await BannedAsync(hub));
    }

    [Fact]
    public async Task Nobody_is_shut_out_where_addresses_have_no_cap_nor_listed_as_that()
    {
        await using TestHub hub = await TestHub.StartAsync();
        await KnockAsync(hub, Stranger, WordlessBans.MostWordless);
        Assert.Equal([Stranger], await BannedAsync(hub));
        Assert.Empty(hub.Reload(("MAX_CONNECTIONS_PER_ADDRESS", "0")));
        Assert.Empty(await BannedAsync(hub));
        await KnockAsync(hub, Stranger, 2 * WordlessBans.MostWordless, inside: 1);
        Assert.Empty(await BannedAsync(hub));
    }

    /// <summary>Comes and goes so often; all are gone when it returns, but so many who are inside.</summary>
    private static async Task KnockAsync(TestHub hub, string from, int times, int inside = 0)
    {
        // The admin's own connection, which may be there or not.
        inside = Math.Max(inside, hub.Hub.Gate.Connections - hub.Hub.Gate.Greetings);
        // Each comes in and goes: one that the kernel has accepted may not have come as far.
        long passages = hub.Hub.Gate.Passages + (2 * times);
        for (int i = 0; i < times; i++)
        {
            (await Dial.ConnectAsync(hub.Hub.TcpEndPoint, from)).Dispose();
        }
        await hub.UntilPassedAsync(passages);
        await hub.UntilConnectedAsync(inside);
    }

    private static async Task<NetworkStream> StreamAsync(IPEndPoint door) => new(await Dial.ConnectAsync(door, Stranger), ownsSocket: true);

    private static byte[] Match() => Encoding.ASCII.GetBytes(
        $"POST /v1/match HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer {TestHub.CoordinatorSecret}\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n{{\"job_id\":\"j\"}}");

    private static async Task<string[]> BannedAsync(TestHub hub) =>
        [.. (await hub.Admin.GetAsync("/v1/bans")).Expect(200).Read(HubJson.Default.BansResponse).Bans.Select(b => b.Address!)];
}

using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text.Json;
using PoolHub.Protocol;
using PoolHub.Protocol.Wire;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Gateway;

/// <summary>Addresses that come again and again without a word.</summary>
public sealed class WordlessBansTests
{
    [Fact]
    public async Task Address_that_comes_and_says_nothing_20_times_is_dropped_by_the_kernel_for_30_s()
    {
        await using TestHub hub = await TestHub.StartAsync();
        string key = await hub.IssueKeyAsync("m");
        using Socket before = await Dial.ConnectAsync(hub.Hub.TcpEndPoint, "127.0.9.9");
        _ = await before.SendAsync(new byte[] { 0, 0, 0, 9 }, TestContext.Current.CancellationToken);
        for (int i = 0; i < 20; i++)
        {
            (await Dial.ConnectAsync(hub.Hub.TcpEndPoint, "127.0.9.9")).Dispose();
        }
        await hub.UntilConnectedAsync(2);
        await hub.UntilWaitingAsync(0);
        Assert.True(await Dial.IsRefusedAsync(hub.Hub.TcpEndPoint, "127.0.9.9"));
        hub.AdvanceSec(1);
        JsonElement ban = Assert.Single((await hub.Admin.GetAsync("/v1/bans")).Expect(200).Json.GetProperty("bans").EnumerateArray());
        Assert.Equal(("wordless", "127.0.9.9", 29), (ban.GetProperty("reason").GetString(), ban.GetProperty("address").GetString(), ban.GetProperty("ends_in_sec").GetInt32()));
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Parse("127.0.9.9"), 0));
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
    public async Task Address_that_was_shut_out_comes_in_when_an_admin_lifts_it()
    {
        await using TestHub hub = await TestHub.StartAsync();
        for (int i = 0; i < 20; i++)
        {
            (await Dial.ConnectAsync(hub.Hub.TcpEndPoint, "127.0.9.9")).Dispose();
        }
        await hub.UntilConnectedAsync(0);
        hub.AdvanceSec(1);
        _ = (await hub.Admin.SendAsync(HttpMethod.Delete, "/v1/bans?address=127.0.9.9", null)).Expect(200);
        _ = (await hub.Admin.SendAsync(HttpMethod.Delete, "/v1/bans?address=127.0.9.9", null)).Expect(404);
        hub.AdvanceSec(1);
        using Socket later = await Dial.ConnectAsync(hub.Hub.TcpEndPoint, "127.0.9.9");
        await hub.UntilWaitingAsync(1);
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
        Assert.Empty((await hub.Admin.GetAsync("/v1/bans")).Expect(200).Json.GetProperty("bans").EnumerateArray());
    }

    [Fact]
    public async Task Nobody_is_shut_out_where_addresses_have_no_cap()
    {
        await using TestHub hub = await TestHub.StartAsync(("MAX_CONNECTIONS_PER_ADDRESS", "0"));
        for (int i = 0; i < 40; i++)
        {
            (await Dial.ConnectAsync(hub.Hub.TcpEndPoint, "127.0.9.9")).Dispose();
        }
        await hub.UntilConnectedAsync(0);
        hub.AdvanceSec(1);
        using Socket later = await Dial.ConnectAsync(hub.Hub.TcpEndPoint, "127.0.9.9");
        await hub.UntilConnectedAsync(1);
    }
}

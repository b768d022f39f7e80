using System.Net;
using System.Net.Sockets;
using PoolHub.Daemon.Gateway;
using PoolHub.Protocol;
using PoolHub.Protocol.Wire;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Gateway;

/// <summary>Who is let in, and for how long without saying who it is.</summary>
public sealed class AcceptGateTests
{
    [Fact]
    public async Task Silent_client_is_closed_at_the_deadline_by_the_sweep()
    {
        await using TestHub hub = await TestHub.StartAsync();
        await using TcpMiner http = await TcpMiner.ConnectAsync(hub.Hub.HttpEndPoint);
        Task end = http.ExpectEndAsync();
        await hub.UntilConnectedAsync(1);
        await http.SendRawAsync("GET /v1/hea"u8.ToArray());
        hub.AdvanceSec(1.9);
        Assert.False(end.IsCompleted);
        hub.AdvanceSec(0.1);
        await end;
        Assert.Equal("1", await hub.MetricAsync("poolhub_gate_refusals_total{cap=\"deadline\"}"));
    }

    [Fact]
    public async Task Client_that_begins_late_has_no_longer()
    {
        await using TestHub hub = await TestHub.StartAsync();
        await using TcpMiner http = await TcpMiner.ConnectAsync(hub.Hub.HttpEndPoint);
        await hub.UntilConnectedAsync(1);
        hub.AdvanceSec(1.9);
        await http.SendRawAsync("GET /v1/hea"u8.ToArray());
        await hub.UntilWaitingAsync(0);
        // Whoever comes later is heard later.
        _ = (await hub.Http.GetAsync("/v1/health")).Expect(200);
        hub.AdvanceSec(0.1);
        await http.ExpectEndAsync();
        Assert.Equal("1", await hub.MetricAsync("poolhub_gate_refusals_total{cap=\"deadline\"}"));
    }

    [Fact]
    public async Task Client_that_has_asked_once_may_wait()
    {
        await using TestHub hub = await TestHub.StartAsync();
        _ = (await hub.Http.GetAsync("/v1/health")).Expect(200);
        Assert.Equal((1, 0), (hub.Hub.Gate.Connections, hub.Hub.Gate.Greetings));
        hub.AdvanceSec(10);
        _ = (await hub.Http.GetAsync("/v1/health")).Expect(200);
        Assert.Equal(1, hub.Hub.Gate.Connections);
    }

    [Fact]
    public async Task All_connections_are_counted_and_the_next_is_refused()
    {
        await using TestHub hub = await TestHub.StartAsync(("MAX_CONNECTIONS", "2"));
        string key = await hub.IssueKeyAsync("a");
        TcpMiner a = await hub.ConnectAsync();
        await a.HelloAsync("a", key);
        await hub.UntilConnectedAsync(2);
        Assert.True(await Dial.IsRefusedAsync(hub.Hub.TcpEndPoint, "127.0.0.1"));
        await a.DisposeAsync();
        await hub.UntilConnectedAsync(1);
        await (await hub.ConnectAsync()).HelloAsync("a", key);
        Assert.Equal("1", await hub.MetricAsync("poolhub_gate_refusals_total{cap=\"all\"}"));
    }

    [Fact]
    public async Task One_address_has_its_share_and_another_its_own()
    {
        await using TestHub hub = await TestHub.StartAsync(("MAX_CONNECTIONS_PER_ADDRESS", "1"));
        using Socket first = await Dial.ConnectAsync(hub.Hub.TcpEndPoint, "127.0.0.2");
        await hub.UntilConnectedAsync(1);
        Assert.True(await Dial.IsRefusedAsync(hub.Hub.TcpEndPoint, "127.0.0.2"));
        using Socket other = await Dial.ConnectAsync(hub.Hub.TcpEndPoint, "127.0.0.3");
        await hub.UntilConnectedAsync(2);
    }

    [Fact]
    public async Task Oldest_stranger_makes_room_when_too_many_have_not_said_hello()
    {
        await using TestHub hub = await TestHub.StartAsync(("MAX_GREETINGS", "4"));
        string key = await hub.IssueKeyAsync("m");
        List<Socket> silent = [];
        for (int i = 0; i < 4; i++)
        {
            silent.Add(await Dial.ConnectAsync(hub.Hub.TcpEndPoint, $"127.0.1.{i + 1}"));
            await hub.UntilConnectedAsync(i + 2);
        }
        TcpMiner miner = await hub.ConnectAsync();
        await miner.HelloAsync("m", key);
        Assert.True(await Dial.EndsAsync(silent[0]));
        Assert.False(silent[1].Poll(0, SelectMode.SelectRead));
        // A quarter of the places: the second stranger of one address is refused.
        Assert.True(await Dial.IsRefusedAsync(hub.Hub.TcpEndPoint, "127.0.1.3"));
        silent.ForEach(s => s.Dispose());
    }

    [Fact]
    public async Task Addresses_behind_a_proxy_are_counted_and_the_proxy_itself_is_not()
    {
        await using TestHub hub = await TestHub.StartAsync(
            ("MAX_CONNECTIONS_PER_ADDRESS", "1"), ("TRUSTED_PROXIES", "127.0.0.1"), ("PROXY_PROTOCOL", "yes"));
        string[] keys = [await hub.IssueKeyAsync("a"), await hub.IssueKeyAsync("b")];
        TcpMiner[] miners = new TcpMiner[3];
        foreach ((int i, string source) in (string[])["203.0.113.1", "203.0.113.2", "203.0.113.1"] is var sources ? sources.Index() : [])
        {
            miners[i] = await hub.ConnectAsync();
            await miners[i].SendRawAsync(System.Text.Encoding.ASCII.GetBytes($"PROXY TCP4 {source} 127.0.0.1 4000 8204\r\n"));
            if (i < 2)
            {
                await miners[i].HelloAsync(i == 0 ? "a" : "b", keys[i]);
            }
        }
        _ = await miners[2].ExpectGoodbyeAsync(CloseReason.RateLimited);
    }

    [Fact]
    public async Task Nobody_is_heard_before_the_fourth_byte_and_then_from_the_first()
    {
        await using TestHub hub = await TestHub.StartAsync();
        string key = await hub.IssueKeyAsync("m");
        TcpMiner slow = await hub.ConnectAsync();
        await hub.UntilWaitingAsync(1);
        byte[] hello = TcpMiner.FrameOf(new Hello(1, [], "m", key, null));
        for (int i = 0; i < 3; i++)
        {
            await slow.SendRawAsync([hello[i]]);
            _ = await hub.EnrolAsync($"other-{i}");
            Assert.Equal(1, hub.Hub.Doors.Waiting);
        }
        await slow.SendRawAsync([hello[3]]);
        await hub.UntilWaitingAsync(0);
        foreach (byte each in hello.AsSpan(4).ToArray())
        {
            await slow.SendRawAsync([each]);
        }
        Assert.False((await slow.ExpectAsync<Welcome>()).Resumed);
    }

    [Fact]
    public async Task Who_leaves_after_fewer_bytes_leaves_nothing()
    {
        await using TestHub hub = await TestHub.StartAsync();
        TcpMiner brief = await hub.ConnectAsync();
        await hub.UntilWaitingAsync(1);
        await brief.SendRawAsync([0]);
        brief.FinishSending();
        await brief.ExpectEndAsync();
        await hub.UntilWaitingAsync(0);
        await hub.UntilConnectedAsync(0);
    }

    /// <summary>Their descriptors are given to the next at once: whoever mistook one would close, or hear, another.</summary>
    [Fact]
    public async Task Strangers_who_come_speak_leave_and_are_late_at_once_are_all_gone_in_the_end_and_the_honest_stay()
    {
        await using TestHub hub = await TestHub.StartAsync(("MAX_GREETINGS", "16"));
        TcpMiner miner = await hub.EnrolAsync("m");
        using var over = new CancellationTokenSource();
        Task sweeping = Task.Run(async () =>
        {
            while (!over.IsCancellationRequested)
            {
                hub.Hub.Gate.Sweep(hub.Time.GetTimestamp() + (long)(AcceptGate.Deadline.TotalSeconds * hub.Time.TimestampFrequency));
                await Task.Yield();
            }
        }, TestContext.Current.CancellationToken);
        await Task.WhenAll(Enumerable.Range(1, 8).Select(who => Task.Run(() => ComeAndGoAsync(hub, who), TestContext.Current.CancellationToken)));
        await over.CancelAsync();
        await sweeping;
        await miner.BeatAsync(1);
        await hub.UntilWaitingAsync(0);
        await hub.UntilConnectedAsync(2);
        Assert.Equal(0, hub.Hub.Gate.Greetings);
        _ = await hub.EnrolAsync("later");
    }

    private static async Task ComeAndGoAsync(TestHub hub, int who)
    {
        for (int i = 0; i < 200; i++)
        {
            try
            {
                using Socket socket = await Dial.ConnectAsync((i & 1) == 0 ? hub.Hub.TcpEndPoint : hub.Hub.HttpEndPoint, $"127.3.{who}.{i + 1}");
                switch ((i / 2) % 4)
                {
                    case 0:
                        _ = await socket.SendAsync("GET /v1/health HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n"u8.ToArray(), TestContext.Current.CancellationToken);
                        _ = await Dial.EndsAsync(socket);
                        break;
                    case 1:
                        _ = await socket.SendAsync(new byte[] { 0 }, TestContext.Current.CancellationToken);
                        break;
                    case 2:
                        _ = await Dial.EndsAsync(socket);
                        break;
                    default:
                        socket.LingerState = new LingerOption(true, 0);
                        break;
                }
            }
            catch (SocketException)
            {
                // It was closed while it spoke.
            }
        }
    }

    [Fact]
    public async Task Caps_follow_a_reload()
    {
        await using TestHub hub = await TestHub.StartAsync(("MAX_CONNECTIONS", "1"));
        Assert.Empty(hub.Reload(("MAX_CONNECTIONS", "0")));
        _ = (await hub.Http.GetAsync("/v1/health")).Expect(200);
        await (await hub.ConnectAsync()).SendRawAsync([0]);
        await hub.UntilConnectedAsync(2);
    }
}

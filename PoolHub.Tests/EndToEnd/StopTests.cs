using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;
using PoolHub.Protocol;
using PoolHub.Protocol.Wire;
using PoolHub.Tests.Protocol;

namespace PoolHub.Tests.EndToEnd;

/// <summary>SIGTERM.</summary>
public sealed class StopTests
{
    [Fact]
    public async Task Stop_says_goodbye_to_every_miner_finishes_requests_and_ends_well()
    {
        await using HubProcess hub = await HubProcess.StartAsync();
        await using HubConversation tcp = await MinerConversation.OverTcpAsync(hub);
        await tcp.GreetAsync("rig-tcp", Samples.KeyOf("rig-tcp"));
        await using HubConversation ws = await MinerConversation.OverWebSocketAsync(hub);
        await ws.GreetAsync("rig-ws", Samples.KeyOf("rig-ws"));
        string token = await Samples.RegisterOverHttpAsync(hub, "rig-text");
        using var text = new ClientWebSocket();
        text.Options.SetRequestHeader("X-PoolHub-Session", token);
        await text.ConnectAsync(new Uri(hub.MinerAddress("ws"), "v1/miners/heartbeat"), TestContext.Current.CancellationToken);
        using NetworkStream request = await HalfOfAMatchAsync(hub);

        var sinceSignal = Stopwatch.StartNew();
        hub.Process.Send(Signal.Terminate);
        Goodbye[] goodbyes = [await tcp.ExpectPastPingsAsync<Goodbye>(), await ws.ExpectPastPingsAsync<Goodbye>()];
        Assert.All(goodbyes, goodbye =>
        {
            Assert.Equal(CloseReason.ShuttingDown, goodbye.Reason);
            Assert.InRange(goodbye.RetryAfterMs, 1, 60_000);
        });
        JsonNode last = await GoodbyeTextAsync(text);
        Assert.Equal("shutting_down", (string?)last["code"]);
        Assert.InRange((int)last["retry_after_ms"]!, 1, 60_000);

        await request.WriteAsync("b-1\"}"u8.ToArray(), TestContext.Current.CancellationToken);
        using var reader = new StreamReader(request);
        Assert.Equal("HTTP/1.1 200 OK", await reader.ReadLineAsync(TestContext.Current.CancellationToken));
        Assert.Contains("\"job_id\":\"job-1\"", await reader.ReadToEndAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);

        Assert.Equal(0, await hub.Process.ExitAsync());
        Assert.InRange(sinceSignal.Elapsed.TotalSeconds, 0, 5);
    }

    [Fact]
    public async Task Stop_does_not_wait_for_peers_that_do_nothing()
    {
        await using HubProcess hub = await HubProcess.StartAsync();
        using NetworkStream request = await HalfOfAMatchAsync(hub);
        using var silent = new TcpClient();
        await silent.ConnectAsync(IPAddress.Loopback, hub.TcpPort, TestContext.Current.CancellationToken);
        await using HubConversation stuck = await MinerConversation.OverTcpAsync(hub);
        await stuck.GreetAsync("rig-tcp", Samples.KeyOf("rig-tcp"));
        var sinceSignal = Stopwatch.StartNew();
        Assert.Equal(0, await hub.StopAsync());
        Assert.InRange(sinceSignal.Elapsed.TotalSeconds, 0, 5);
    }

    private static async Task<NetworkStream> HalfOfAMatchAsync(HubProcess hub)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, hub.HttpPort);
        var stream = new NetworkStream(socket, ownsSocket: true);
        const string Body = """{"job_id":"job-1"}""";
        // Expect: the hub's "go on" shows that the request is in its hands.
        await stream.WriteAsync(Encoding.ASCII.GetBytes(
            $"POST /v1/match HTTP/1.1\r\nHost: hub\r\nX-PoolHub-Secret: {HubProcess.Secret}\r\nContent-Length: {Body.Length}\r\n"
            + "Expect: 100-continue\r\nConnection: close\r\n\r\n"));
        byte[] goOn = new byte["HTTP/1.1 100 Continue\r\n\r\n".Length];
        await stream.ReadExactlyAsync(goOn);
        Assert.StartsWith("HTTP/1.1 100", Encoding.ASCII.GetString(goOn), StringComparison.Ordinal);
        await stream.WriteAsync(Encoding.ASCII.GetBytes(Body[..^5]));
        return stream;
    }

    private static async Task<JsonNode> GoodbyeTextAsync(ClientWebSocket socket)
    {
        byte[] buffer = new byte[4_096];
        while (true)
        {
            WebSocketReceiveResult received = await socket.ReceiveAsync(new ArraySegment<byte>(buffer), TestContext.Current.CancellationToken);
            Assert.Equal(WebSocketMessageType.Text, received.MessageType);
            JsonNode message = JsonNode.Parse(buffer.AsSpan(0, received.Count))!;
            if ((string?)message["type"] == "goodbye")
            {
                return message;
            }
        }
    }
}

using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using Microsoft.Extensions.Logging;
using PoolHub.Tests.EndToEnd;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Attack;

/// <summary>The same inputs through real sockets, to a whole hub: it answers each, and none with a failure of its own.</summary>
[Collection<Alone>]
public sealed class DoorFuzzTests
{
    public static TheoryData<string> Addresses => [.. s_addresses.Keys];

    /// <summary>For so long a request waits before its sender says that nothing more comes.</summary>
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(10);

    private static readonly Dictionary<string, Specimen[]> s_addresses = new()
    {
        ["/v1/miners/register"] = JsonCorpus.Registrations,
        ["/v1/miners/update"] = JsonCorpus.Updates,
        ["/v1/miners/logout"] = JsonCorpus.Updates,
        ["/v1/match"] = JsonCorpus.Matches,
        ["/v1/match/batch"] = JsonCorpus.Batches,
        ["/v1/match/explain"] = JsonCorpus.Matches,
        ["/v1/match/0199b6f3a7c07000800000000000000a/release"] = JsonCorpus.Reports,
        ["/v1/match/0199b6f3a7c07000800000000000000a/renew"] = JsonCorpus.Matches,
        ["/v1/feedback"] = JsonCorpus.Reports,
        ["/v1/miners/miner-1/commands"] = JsonCorpus.Texts,
        ["/v1/miners/miner-1/price"] = JsonCorpus.Updates,
    };

    [Theory]
    [MemberData(nameof(Addresses))]
    public async Task Body_that_is_spoilt_is_answered(string path)
    {
        await using TestHub hub = await StartAsync();
        var mutator = new Mutator(Effort.Seed, s_addresses[path], JsonCorpus.Tokens);
        using var http = new HttpClient { BaseAddress = new Uri($"http://{hub.Hub.HttpEndPoint}"), Timeout = TestHub.Patience };
        http.DefaultRequestHeaders.Add("Authorization", $"Bearer {(path.StartsWith("/v1/miners/miner-1", StringComparison.Ordinal) ? TestHub.AdminToken : TestHub.CoordinatorSecret)}");
        Effort.Print($"{path}: seed {Effort.Seed}");
        for (int i = 0; i < Effort.Of(60, 10_000); i++)
        {
            ReadOnlyMemory<byte> input = mutator.Next();
            using var body = new ByteArrayContent(input.ToArray());
            using var request = new HttpRequestMessage(path.EndsWith("/price", StringComparison.Ordinal) ? HttpMethod.Put : HttpMethod.Post, path) { Content = body };
            using HttpResponseMessage response = await http.SendAsync(request, TestContext.Current.CancellationToken);
            Assert.True((int)response.StatusCode < 500, $"{(int)response.StatusCode} for {Encoding.UTF8.GetString(input.Span)}");
        }
    }

    [Fact]
    public async Task Request_that_is_spoilt_is_answered_or_its_connection_closed()
    {
        await using TestHub hub = await StartAsync();
        Specimen[] requests = [.. s_addresses.Select(address => Request(address.Key, address.Value[0].Bytes))];
        var mutator = new Mutator(Effort.Seed, requests, [.. JsonCorpus.Tokens, .. HttpTokens()]);
        Effort.Print($"requests: seed {Effort.Seed}");
        byte[] answer = new byte[65_536];
        int answered = 0, count = Effort.Of(300, 5_000);
        for (int i = 0; i < count; i++)
        {
            int length = await AskAsync(hub.Hub.HttpEndPoint, Loopback.Hostile(i, 500), mutator.Next(), answer);
            string text = Encoding.ASCII.GetString(answer, 0, length);
            answered += length > 0 ? 1 : 0;
            Assert.False(text.StartsWith("HTTP/1.1 5", StringComparison.Ordinal) && !text.StartsWith("HTTP/1.1 505", StringComparison.Ordinal), text);
        }
        Assert.InRange(answered, count / 2, count);
        _ = (await hub.Http.GetAsync("/v1/health")).Expect(200);
    }

    [Fact]
    public async Task Web_socket_that_is_spoilt_is_answered_or_closed()
    {
        await using TestHub hub = await StartAsync();
        string token = await hub.RegisterAsync("w");
        var texts = new Mutator(Effort.Seed, JsonCorpus.Texts, JsonCorpus.Tokens);
        var bodies = new Mutator(Effort.Seed, WireCorpus.Messages, WireCorpus.Tokens);
        Effort.Print($"web sockets: seed {Effort.Seed}");
        for (int connection = 0; connection < Effort.Of(20, 1_000); connection++)
        {
            // One that left or was replaced has to register again, as the hub says.
            Answer renewed = await hub.Http.GetAsync("/v1/miners/lease/renew", ("X-PoolHub-Session", token));
            if ((int)renewed.Status != 200)
            {
                _ = await hub.Admin.SendAsync(HttpMethod.Delete, "/v1/miners/w/key", null);
                token = await hub.RegisterAsync("w");
            }
            try
            {
                await using WsMiner miner = await hub.ConnectWebAsync(token);
                for (int i = 0; i < 10; i++)
                {
                    bool text = (i & 1) == 0;
                    byte[] message = (text ? texts : bodies).Next().ToArray();
                    await miner.SendAsync(message, text ? WebSocketMessageType.Text : WebSocketMessageType.Binary);
                }
            }
            catch (WebSocketException)
            {
                // It was closed, or not let in since the miner has just said goodbye: an answer too.
            }
        }
        _ = (await hub.Http.GetAsync("/v1/health")).Expect(200);
    }

    /// <summary>
    /// A hub that fails its test when it logs an error. Its clock stands still, so nobody would ever be let in again who
    /// was refused for a time.
    /// </summary>
    private static async Task<TestHub> StartAsync()
    {
        TestHub hub = await TestHub.StartAsync(
            ("FLAP_LIMIT_PER_MIN", "0"), ("LOGIN_FAILURE_LIMIT", "0"), ("REGISTER_RATE_LIMIT", "0"), ("HELLO_RATE_LIMIT", "0"),
            ("MATCH_RATE_LIMIT", "0"), ("FEEDBACK_RATE_LIMIT", "0"));
        hub.Logs.Least = LogLevel.Warning;
        _ = await hub.RegisterAsync("miner-1");
        return hub;
    }

    private static Specimen Request(string path, byte[] body)
    {
        string[] lines =
        [
            $"POST {path} HTTP/1.1\r\n", "Host: hub\r\n", $"Authorization: Bearer {TestHub.CoordinatorSecret}\r\n", "Content-Type: application/json\r\n",
            $"Content-Length: {body.Length}\r\n", "\r\n",
        ];
        int at = 0;
        int[] cuts = [.. lines.Select(line => at += line.Length)];
        return new Specimen([.. Encoding.ASCII.GetBytes(string.Concat(lines)), .. body], [0, .. cuts]);
    }

    private static IEnumerable<byte[]> HttpTokens() => new[]
    {
        "GET / HTTP/1.0\r\n", "OPTIONS * HTTP/1.1\r\n", "\r\n", "\n", "Content-Length: -1\r\n", "Content-Length: 99999999999\r\n", "Content-Length: 0\r\n",
        "Transfer-Encoding: chunked\r\n", "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", "Upgrade: websocket\r\nConnection: Upgrade\r\n", "Expect: 100-continue\r\n",
        "Host: a\r\nHost: b\r\n", "X-PoolHub-Secret: x\r\n", "X-PoolHub-Session: x\r\n", "X-Forwarded-For: 1.2.3.4, evil\r\n", ": \r\n", "A: \0\r\n", "%00", "%2e%2e/", "?session_token=x",
        $"X: {new string('y', 4_000)}\r\n", "ffffffff\r\n", "0\r\n\r\n",
    }.Select(Encoding.ASCII.GetBytes);

    /// <summary>Sends a request over a connection of its own; gives how long the answer is, or what came of it before a reset.</summary>
    private static async Task<int> AskAsync(IPEndPoint hub, IPAddress from, ReadOnlyMemory<byte> request, byte[] answer)
    {
        // From many addresses: the gate does not let in who comes from one again and again without a whole request.
        using Socket socket = Loopback.NewSocket(from);
        using var patience = new CancellationTokenSource(TestHub.Patience);
        await socket.ConnectAsync(hub, patience.Token);
        int length = 0;
        try
        {
            _ = await socket.SendAsync(request, patience.Token);
            // By then most are answered. Who shuts down before that is taken for gone.
            _ = socket.Poll(s_pause, SelectMode.SelectRead);
            socket.Shutdown(SocketShutdown.Send);
            while (length < answer.Length && await socket.ReceiveAsync(answer.AsMemory(length), patience.Token) is > 0 and int read)
            {
                length += read;
            }
        }
        catch (SocketException)
        {
            // A reset is an end like any other: the hub does not read what is left of a request that it refused.
        }
        return length;
    }
}

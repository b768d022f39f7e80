using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using PoolHub.Protocol;

namespace PoolHub.Tests.Support;

/// <summary>A miner that makes its WebSocket frames itself: a client of the platform sends no such thing as a flood.</summary>
internal sealed class RawWsMiner : IAsyncDisposable
{
    public const byte Text = 0x81;
    public const byte TextThatGoesOn = 0x01;
    public const byte Continuation = 0x00;
    public const byte Ping = 0x89;

    private const byte Close = 0x88;
    private const byte Pong = 0x8A;

    private readonly NetworkStream _stream;

    private RawWsMiner(NetworkStream stream) => _stream = stream;

    public static async Task<RawWsMiner> ConnectAsync(IPEndPoint hub, string token, string path = "/v1/miners/heartbeat")
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(hub).WaitAsync(TestHub.Patience);
        var stream = new NetworkStream(socket, ownsSocket: true);
        await stream.WriteAsync(Encoding.ASCII.GetBytes(
            $"GET {path} HTTP/1.1\r\nHost: hub\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            + $"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nX-PoolHub-Session: {token}\r\n\r\n"));
        var head = new StringBuilder();
        byte[] next = new byte[1];
        using var patience = new CancellationTokenSource(TestHub.Patience);
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            await stream.ReadExactlyAsync(next, patience.Token);
            head.Append((char)next[0]);
        }
        Assert.StartsWith("HTTP/1.1 101 ", head.ToString(), StringComparison.Ordinal);
        return new RawWsMiner(stream);
    }

    /// <summary>So many equal frames in one write.</summary>
    /// <param name="kind">The first byte: whether it is the message's last frame, and what it is.</param>
    public async Task SendAsync(byte kind, string payload = "", int times = 1)
    {
        Assert.InRange(payload.Length, 0, 125);
        // A mask of zeros leaves the payload as it is.
        byte[] frame = [kind, (byte)(0x80 | payload.Length), 0, 0, 0, 0, .. Encoding.ASCII.GetBytes(payload)];
        using var patience = new CancellationTokenSource(TestHub.Patience);
        await _stream.WriteAsync(Enumerable.Repeat(frame, times).SelectMany(f => f).ToArray(), patience.Token);
    }

    /// <summary>The next text, which must be of this type.</summary>
    public async Task<JsonElement> ExpectAsync(string type)
    {
        (byte kind, byte[] payload) = await ReceiveAsync();
        Assert.True(kind == Text, $"a frame {kind:x2} in place of {type}");
        JsonElement json = JsonDocument.Parse(payload).RootElement;
        Assert.True(json.GetProperty("type").GetString() == type, $"{json} in place of {type}");
        return json;
    }

    public async Task ExpectGoodbyeAsync(CloseReason reason) =>
        Assert.Equal(reason.Name(), (await ExpectAsync("goodbye")).GetProperty("code").GetString());

    /// <summary>The hub must close, and then tear the socket down, whatever comes meanwhile.</summary>
    public async Task ExpectEndAsync()
    {
        try
        {
            Assert.Equal(Close, (await ReceiveAsync()).Kind);
            while (true)
            {
                _ = await ReceiveAsync();
            }
        }
        catch (IOException)
        {
            // Reset or ended.
        }
    }

    public ValueTask DisposeAsync() => _stream.DisposeAsync();

    /// <summary>The next frame that is no pong.</summary>
    private async Task<(byte Kind, byte[] Payload)> ReceiveAsync()
    {
        using var patience = new CancellationTokenSource(TestHub.Patience);
        byte[] header = new byte[2];
        while (true)
        {
            await _stream.ReadExactlyAsync(header, patience.Token);
            int length = header[1];
            if (length == 126)
            {
                byte[] longer = new byte[sizeof(ushort)];
                await _stream.ReadExactlyAsync(longer, patience.Token);
                length = BinaryPrimitives.ReadUInt16BigEndian(longer);
            }
            byte[] payload = new byte[length];
            await _stream.ReadExactlyAsync(payload, patience.Token);
            if (header[0] != Pong)
            {
                return (header[0], payload);
            }
        }
    }
}

using System.Buffers;
using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using PoolHub.Protocol;
using PoolHub.Protocol.Wire;
using PoolHub.Tests.Protocol;

namespace PoolHub.Tests.Support;

/// <summary>A miner over raw TCP whose every byte the test sends itself.</summary>
internal sealed class TcpMiner : IAsyncDisposable
{
    private readonly Socket _socket;
    private readonly Stream _stream;

    /// <param name="socket">Connected to the hub.</param>
    /// <param name="stream">What is spoken over it; owns it.</param>
    public TcpMiner(Socket socket, Stream? stream = null) => (_socket, _stream) = (socket, stream ?? new NetworkStream(socket, ownsSocket: true));

    public Welcome Welcome { get; set; }
    public string Token => Welcome.SessionToken;

    public static async Task<TcpMiner> ConnectAsync(IPEndPoint hub, int? receiveBufferBytes = null)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        if (receiveBufferBytes is { } bytes)
        {
            socket.ReceiveBufferSize = bytes;
        }
        await socket.ConnectAsync(hub).WaitAsync(TestHub.Patience);
        return new TcpMiner(socket);
    }

    public static byte[] FrameOf<T>(T message)
        where T : struct, IMessage<T>
    {
        var frame = new ArrayBufferWriter<byte>();
        Frame.Write(frame, message);
        return frame.WrittenSpan.ToArray();
    }

    public static byte[] FrameOf(byte[] body)
    {
        var frame = new ArrayBufferWriter<byte>();
        Frame.WriteBody(frame, body);
        return frame.WrittenSpan.ToArray();
    }

    public static Heartbeat HeartbeatOf(long seq, int queueLen = 0) => new(seq, 0, queueLen, null, null, null);

    public Task SendAsync<T>(T message)
        where T : struct, IMessage<T> => SendRawAsync(FrameOf(message));

    public Task SendBodyAsync(params byte[] body) => SendRawAsync(FrameOf(body));

    public async Task SendRawAsync(byte[] bytes) => await _stream.WriteAsync(bytes).AsTask().WaitAsync(TestHub.Patience);

    public async Task HelloAsync(string minerId, string? key)
    {
        await SendAsync(new Hello(1, [], minerId, key, null));
        Welcome = await ExpectAsync<Welcome>();
    }

    public async Task EnrolAsync(string minerId, string? key, MinerProfile? profile = null)
    {
        await HelloAsync(minerId, key);
        await SendAsync(new Register(profile ?? Samples.Profile));
        _ = await ExpectAsync<Registered>();
    }

    /// <summary>The hub must take a heartbeat.</summary>
    public async Task BeatAsync(long seq, int queueLen = 0)
    {
        await SendAsync(HeartbeatOf(seq, queueLen));
        Assert.Equal(seq, (await ExpectAsync<HeartbeatAck>()).Seq);
    }

    /// <summary>The next message, which must be of this type. Pings are passed over where none is asked for.</summary>
    public async Task<T> ExpectAsync<T>()
        where T : struct, IMessage<T>
    {
        while (true)
        {
            byte[] body = await ReceiveAsync();
            Assert.True(body.Length > 0, $"the hub closed the socket in place of {T.Number}");
            (object? message, string? field, string? problem) = AnyMessage.Read(body);
            Assert.True(problem is null, $"{field} {problem}");
            if (message is not Ping || typeof(T) == typeof(Ping))
            {
                Assert.True(message is T, $"{message} in place of {T.Number}");
                return (T)message;
            }
        }
    }

    public async Task<Error> ExpectErrorAsync(ErrorCode code, MessageNumber about, string? field = null)
    {
        Error error = await ExpectAsync<Error>();
        Assert.Equal((code, (int)about), (error.Code, error.InReplyTo));
        if (field is not null)
        {
            Assert.Equal(field, error.Field);
        }
        return error;
    }

    public async Task<Goodbye> ExpectGoodbyeAsync(CloseReason reason)
    {
        Goodbye goodbye = await ExpectAsync<Goodbye>();
        Assert.True(goodbye.Reason == reason, $"{goodbye} in place of {reason}");
        return goodbye;
    }

    /// <summary>The hub must have closed the socket without another word.</summary>
    public async Task ExpectEndAsync() => Assert.Empty(await ReceiveAsync());

    /// <summary>Sends no more, and reads on.</summary>
    public void FinishSending() => _socket.Shutdown(SocketShutdown.Send);

    public ValueTask DisposeAsync() => _stream.DisposeAsync();

    /// <summary>A frame's body; empty at the end of the stream.</summary>
    public async Task<byte[]> ReceiveAsync()
    {
        using var patience = new CancellationTokenSource(TestHub.Patience);
        try
        {
            byte[] prefix = new byte[Frame.PrefixBytes];
            if (await _stream.ReadAtLeastAsync(prefix, prefix.Length, throwOnEndOfStream: false, patience.Token) == 0)
            {
                return [];
            }
            byte[] body = new byte[BinaryPrimitives.ReadInt32BigEndian(prefix)];
            await _stream.ReadExactlyAsync(body, patience.Token);
            return body;
        }
        catch (IOException error) when (error is EndOfStreamException || error.InnerException is SocketException)
        {
            return [];
        }
    }
}

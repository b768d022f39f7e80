using System.Buffers;
using System.Buffers.Binary;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using PoolHub.Protocol;
using PoolHub.Protocol.Wire;

namespace PoolHub.Tests.Protocol;

/// <summary>The hub's side of one conversation.</summary>
internal abstract class HubConversation : IAsyncDisposable
{
    public Task SendAsync<T>(T message)
        where T : struct, IMessage<T> => SendBodyAsync(Frame.Encode(message).ToArray());

    /// <summary>The next message, which must be of this type.</summary>
    public async Task<T> ExpectAsync<T>()
        where T : struct, IMessage<T>
    {
        byte[] body = await ReceiveBodyAsync().WaitAsync(ScriptedHub.Patience);
        Assert.NotEmpty(body);
        (object? message, string? field, string? problem) = AnyMessage.Read(body);
        Assert.True(problem is null, $"{field} {problem}");
        return Assert.IsType<T>(message);
    }

    /// <summary>The next message that is no ping, which must be of this type.</summary>
    public async Task<T> ExpectPastPingsAsync<T>()
        where T : struct, IMessage<T>
    {
        while (true)
        {
            byte[] body = await ReceiveBodyAsync().WaitAsync(ScriptedHub.Patience);
            Assert.NotEmpty(body);
            if (AnyMessage.Read(body).Message is not Ping)
            {
                return Assert.IsType<T>(AnyMessage.Read(body).Message);
            }
        }
    }

    /// <summary>The miner must have closed without another word.</summary>
    public async Task ExpectEndAsync() => Assert.Empty(await ReceiveBodyAsync().WaitAsync(ScriptedHub.Patience));

    /// <summary>Returns when the miner has dealt with everything that was sent before.</summary>
    public async Task SettleAsync()
    {
        await SendAsync(new Ping(424242));
        Assert.Equal(424242, (await ExpectAsync<Pong>()).Nonce);
    }

    public abstract Task SendBodyAsync(byte[] body);

    /// <summary>Breaks the connection.</summary>
    public abstract void Break();

    public abstract ValueTask DisposeAsync();

    /// <summary>Empty at the end of the stream.</summary>
    protected abstract Task<byte[]> ReceiveBodyAsync();
}

internal sealed class TcpConversation(Socket socket, Stream? tls = null) : HubConversation
{
    private readonly Stream _stream = tls ?? new NetworkStream(socket, ownsSocket: true);

    public override async Task SendBodyAsync(byte[] body)
    {
        var frame = new ArrayBufferWriter<byte>();
        Frame.WriteBody(frame, body);
        await _stream.WriteAsync(frame.WrittenMemory);
    }

    /// <summary>Sends bytes as they are.</summary>
    public async Task SendRawAsync(byte[] bytes) => await _stream.WriteAsync(bytes);

    public override void Break() => socket.Close(timeout: 0);

    public override ValueTask DisposeAsync() => _stream.DisposeAsync();

    protected override async Task<byte[]> ReceiveBodyAsync()
    {
        try
        {
            byte[] prefix = new byte[Frame.PrefixBytes];
            if (await _stream.ReadAtLeastAsync(prefix, prefix.Length, throwOnEndOfStream: false) == 0)
            {
                return [];
            }
            byte[] body = new byte[BinaryPrimitives.ReadInt32BigEndian(prefix)];
            await _stream.ReadExactlyAsync(body);
            return body;
        }
        catch (IOException error) when (error.InnerException is SocketException)
        {
            return [];
        }
    }
}

internal sealed class WebSocketConversation(WebSocket socket) : HubConversation
{
    public TaskCompletionSource Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public override async Task SendBodyAsync(byte[] body) =>
        await socket.SendAsync(body, WebSocketMessageType.Binary, endOfMessage: true, CancellationToken.None);

    /// <summary>Sends a message in the form that this client does not speak.</summary>
    public async Task SendTextAsync(string text) =>
        await socket.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);

    public override void Break() => socket.Abort();

    public override ValueTask DisposeAsync()
    {
        socket.Abort();
        _ = Ended.TrySetResult();
        return ValueTask.CompletedTask;
    }

    protected override async Task<byte[]> ReceiveBodyAsync()
    {
        byte[] buffer = new byte[Limits.MaxFrameBytes];
        try
        {
            WebSocketReceiveResult result = await socket.ReceiveAsync(new ArraySegment<byte>(buffer), CancellationToken.None);
            Assert.True(result.EndOfMessage);
            if (result.MessageType != WebSocketMessageType.Close)
            {
                return buffer[..result.Count];
            }
            await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
            return [];
        }
        catch (WebSocketException)
        {
            return [];
        }
    }
}

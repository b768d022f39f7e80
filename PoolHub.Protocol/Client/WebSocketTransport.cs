using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Net.WebSockets;
using PoolHub.Protocol.Wire;

namespace PoolHub.Protocol.Client;

/// <summary>docs/protocol.md, "WebSocket": each binary message is one body; the hello is the first of them.</summary>
internal sealed class WebSocketTransport : IMinerTransport
{
    private readonly ClientWebSocket _socket;
    private readonly ArrayBufferWriter<byte> _receiving = new(256);
    private readonly ArrayBufferWriter<byte> _sending = new(256);

    [SuppressMessage("Reliability", "CA2213", Justification = "A late sender may still wait; it owns no handle.")]
    private readonly SemaphoreSlim _sendLock = new(1, 1);

    private WebSocketTransport(ClientWebSocket socket)
    {
        _socket = socket;
    }

    public static async Task<WebSocketTransport> ConnectAsync(Uri hub, MinerClientOptions options, CancellationToken cancel)
    {
        var socket = new ClientWebSocket();
        try
        {
            // Heartbeats keep the connection alive already.
            socket.Options.KeepAliveInterval = TimeSpan.Zero;
            await socket.ConnectAsync(
                new UriBuilder(hub) { Path = hub.AbsolutePath.TrimEnd('/') + "/v1/miners/heartbeat" }.Uri,
                options.Http,
                cancel);
            return new WebSocketTransport(socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public async ValueTask SendAsync<T>(T message)
        where T : struct, IMessage<T>
    {
        await _sendLock.WaitAsync();
        try
        {
            _sending.ResetWrittenCount();
            _sending.Write(Frame.Encode(message));
            await _socket.SendAsync(
                _sending.WrittenMemory, WebSocketMessageType.Binary, endOfMessage: true, CancellationToken.None);
        }
        finally
        {
            _ = _sendLock.Release();
        }
    }

    public async ValueTask<Received> ReceiveAsync()
    {
        _receiving.ResetWrittenCount();
        while (true)
        {
            ValueWebSocketReceiveResult result = await _socket.ReceiveAsync(_receiving.GetMemory(256), CancellationToken.None);
            if (result.MessageType == WebSocketMessageType.Close)
            {
                return default;
            }
            _receiving.Advance(result.Count);
            if (_receiving.WrittenCount > Limits.MaxFrameBytes)
            {
                return new Received(default, CloseReason.FrameTooLong);
            }
            if (!result.EndOfMessage)
            {
                continue;
            }
            if (result.MessageType == WebSocketMessageType.Binary)
            {
                // An empty body would look like the end.
                return new Received(_receiving.WrittenMemory, _receiving.WrittenCount > 0 ? null : CloseReason.Malformed);
            }
            // This client never speaks text, so no text is meant for it.
            _receiving.ResetWrittenCount();
        }
    }

    public async ValueTask CompleteAsync()
    {
        await _sendLock.WaitAsync();
        try
        {
            if (_socket.State is WebSocketState.Open or WebSocketState.CloseReceived)
            {
                await _socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
            }
        }
        finally
        {
            _ = _sendLock.Release();
        }
    }

    public void Abort() => _socket.Abort();

    public ValueTask DisposeAsync()
    {
        _socket.Dispose();
        return ValueTask.CompletedTask;
    }
}

using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Http.Features;
using PoolHub.Daemon.Http;
using PoolHub.Daemon.Sessions;
using PoolHub.Protocol;
using PoolHub.Protocol.Wire;

namespace PoolHub.Daemon.Gateway;

/// <summary>docs/protocol.md, "WebSocket".</summary>
internal sealed class WebSocketDoor(Conversations conversations, SessionTable table, AcceptGate gate)
{
    private const int FirstBufferBytes = 1_024;

    public void Map(IEndpointRouteBuilder routes) => routes.MapGet("/v1/miners/heartbeat", AcceptAsync);

    private async Task AcceptAsync(HttpContext http)
    {
        if (!http.WebSockets.IsWebSocketRequest)
        {
            await http.Response.ProblemAsync(StatusCodes.Status400BadRequest, "this address takes WebSocket upgrades only");
            return;
        }
        var gated = http.Features.Get<GatedConnection>();
        if (!gate.TryConverse(gated, http.Connection.RemoteIpAddress))
        {
            await http.Response.TooManyAsync(AcceptGate.TooMany, AcceptGate.TooManyWait);
            return;
        }
        // What goes out waits in a pipe, as it does before a TCP socket, so that sending never waits for a miner.
        var outgoing = new Pipe(new PipeOptions(pauseWriterThreshold: Limits.MaxFrameBytes, useSynchronizationContext: false));
        Conversation conversation = conversations.Open(Transport.WebSocket, outgoing.Writer, completes: true, http.Abort);
        // A proxy says where a connection comes from, but hardly ever from which port.
        string remote = http.Connection is { RemotePort: 0, RemoteIpAddress: { } address }
            ? address.ToString()
            : new IPEndPoint(http.Connection.RemoteIpAddress ?? IPAddress.None, http.Connection.RemotePort).ToString();
        conversation.Channel.Peer = MinerEndpoints.PeerOf(http);
        try
        {
            Admission admission = default;
            if (MinerEndpoints.TokenOf(http.Request) is { } token)
            {
                conversation.Channel.Form = WireForm.Text;
                admission = table.Resume(token, conversation.Channel.Peer, conversation.Channel);
                if (admission.Session is null)
                {
                    _ = conversation.Channel.End(admission.Refusal);
                    await MinerEndpoints.RefuseAsync(http.Response, admission);
                    return;
                }
                conversation.Channel.Session = admission.Session;
            }
            ((CountedUpgrade)http.Features.GetRequiredFeature<IHttpUpgradeFeature>()).Channel = conversation.Channel;
            using WebSocket socket = await http.WebSockets.AcceptWebSocketAsync();
            if (admission.Session is { } session)
            {
                gate.Greeted(gated);
                conversation.Enter(session);
            }
            await ConverseAsync(socket, conversation, outgoing.Reader, remote, http);
        }
        catch (Exception e) when (e is WebSocketException or IOException or OperationCanceledException)
        {
            // The peer or the hub tore the socket down.
        }
        finally
        {
            conversations.Close(conversation, remote);
        }
    }

    private async Task ConverseAsync(WebSocket socket, Conversation conversation, PipeReader outgoing, string remote, HttpContext http)
    {
        Task sending = SendAsync(socket, outgoing, http.Abort);
        try
        {
            await ReceiveAsync(socket, conversation, remote, http);
        }
        finally
        {
            conversation.Channel.Gone();
            await sending;
        }
    }

    private async Task ReceiveAsync(WebSocket socket, Conversation conversation, string remote, HttpContext http)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(FirstBufferBytes);
        try
        {
            int length = 0;
            while (true)
            {
                ValueWebSocketReceiveResult received = await socket.ReceiveAsync(buffer.AsMemory(length), http.RequestAborted);
                if (received.MessageType == WebSocketMessageType.Close)
                {
                    return;
                }
                if (conversation.Channel.Closing)
                {
                    // Read and thrown away until the peer closes too.
                    length = 0;
                    continue;
                }
                length += received.Count;
                if (length > Limits.MaxFrameBytes)
                {
                    conversation.Channel.Close(CloseReason.FrameTooLong, $"a message has at most {Limits.MaxFrameBytes} bytes");
                    length = 0;
                    continue;
                }
                if (!received.EndOfMessage)
                {
                    if (length == buffer.Length)
                    {
                        buffer = Grow(buffer, length);
                    }
                    continue;
                }
                await TakeAsync(conversation, buffer.AsMemory(0, length), received.MessageType, remote, http);
                length = 0;
                if (conversation.Channel.Left)
                {
                    return;
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async ValueTask TakeAsync(Conversation conversation, ReadOnlyMemory<byte> message, WebSocketMessageType type, string remote, HttpContext http)
    {
        try
        {
            await (type == WebSocketMessageType.Text
                ? conversation.TakeTextAsync(new ReadOnlySequence<byte>(message))
                : conversation.TakeAsync(message.Span));
            conversation.Acknowledge();
            gate.Heard(http.Features.Get<GatedConnection>(), isKnown: conversation.Channel.Session is not null);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            conversations.Fail(conversation, remote, e);
        }
    }

    private static async Task SendAsync(WebSocket socket, PipeReader outgoing, Action abort)
    {
        try
        {
            while (true)
            {
                ReadResult read = await outgoing.ReadAsync();
                ReadOnlySequence<byte> buffer = read.Buffer;
                while (Frame.TryRead(ref buffer, out ReadOnlySequence<byte> body) == FrameStatus.Done)
                {
                    // JSON objects begin with a brace, MessagePack arrays never do.
                    WebSocketMessageType type = body.FirstSpan[0] == (byte)'{' ? WebSocketMessageType.Text : WebSocketMessageType.Binary;
                    ReadOnlyMemory<byte> message = body.IsSingleSegment ? body.First : body.ToArray();
                    await socket.SendAsync(message, type, endOfMessage: true, CancellationToken.None);
                }
                outgoing.AdvanceTo(buffer.Start, buffer.End);
                if (read.IsCompleted)
                {
                    await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
                    return;
                }
            }
        }
        catch (Exception e) when (e is WebSocketException or IOException or OperationCanceledException or ObjectDisposedException)
        {
            abort();
        }
        finally
        {
            await outgoing.CompleteAsync();
        }
    }

    private static byte[] Grow(byte[] buffer, int length)
    {
        byte[] larger = ArrayPool<byte>.Shared.Rent(buffer.Length * 2);
        buffer.AsSpan(0, length).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(buffer);
        return larger;
    }
}

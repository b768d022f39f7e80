using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;
using PoolHub.Daemon.Access;
using PoolHub.Daemon.Sessions;
using PoolHub.Protocol;
using PoolHub.Protocol.Wire;

namespace PoolHub.Daemon.Gateway;

/// <summary>docs/protocol.md, "Frames": the miners' raw TCP.</summary>
internal sealed class TcpDoor(Conversations conversations, AcceptGate gate, TrustedProxies proxies)
{
    public async Task OnConnectedAsync(ConnectionContext connection)
    {
        var gated = connection.Features.Get<GatedConnection>();
        Conversation conversation = conversations.Open(
            Transport.Tcp, connection.Transport.Output, completes: false, connection.Abort, gated?.Since);
        EndPoint? source = connection.RemoteEndPoint;
        string remote = source?.ToString() ?? "";
        try
        {
            bool admitted = gate.TryConverse(gated, source: null);
            if (proxies.ProxyProtocol && proxies.Contains(connection.RemoteEndPoint)
                && await ReadProxyHeaderAsync(connection.Transport.Input, conversation.Channel) is { } behind)
            {
                (source, remote) = (behind, behind.ToString());
                admitted = gate.TryConverse(gated, behind.Address);
            }
            var address = (source as IPEndPoint)?.Address;
            if (!admitted)
            {
                conversation.Channel.Close(CloseReason.RateLimited, AcceptGate.TooMany, (int)AcceptGate.TooManyWait.TotalMilliseconds);
            }
            conversation.Channel.Peer = Peer.Of(address, connection.Features.Get<ITlsConnectionFeature>()?.ClientCertificate);
            await ReadAsync(connection.Transport.Input, conversation, gated, remote);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // The peer or the hub tore the socket down.
        }
        finally
        {
            conversations.Close(conversation, remote);
        }
    }

    /// <summary>Whose connection it is, when a header says so. A header that is none is left for the frames to fail on.</summary>
    private static async Task<IPEndPoint?> ReadProxyHeaderAsync(PipeReader input, Channel channel)
    {
        while (true)
        {
            ReadResult read = await input.ReadAsync();
            ReadOnlySequence<byte> buffer = read.Buffer;
            ProxyHeaderStatus status = ProxyHeader.TryRead(ref buffer, out IPEndPoint? source);
            bool more = status == ProxyHeaderStatus.NeedMore && !read.IsCompleted && !channel.Closing;
            input.AdvanceTo(buffer.Start, more ? buffer.End : buffer.Start);
            if (!more)
            {
                return source;
            }
        }
    }

    private async Task ReadAsync(PipeReader input, Conversation conversation, GatedConnection? gated, string remote)
    {
        long unfinished = 0;
        while (true)
        {
            ReadResult read = await input.ReadAsync();
            ReadOnlySequence<byte> buffer = read.Buffer;
            try
            {
                int frames = 0;
                while (!conversation.Channel.Closing && TryReadFrame(ref buffer, conversation.Channel, out ReadOnlySequence<byte> body))
                {
                    frames++;
                    ValueTask taken = conversation.TakeAsync(body);
                    if (!taken.IsCompletedSuccessfully)
                    {
                        await taken;
                    }
                }
                conversation.Acknowledge();
                if (frames > 0)
                {
                    gate.Heard(gated, isKnown: conversation.Channel.Session is not null);
                }
                if (!conversation.Channel.Closing)
                {
                    // What stays in the pipe was counted when it came.
                    conversation.Channel.Receive(frames, read.Buffer.Length - unfinished);
                    unfinished = buffer.Length;
                }
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                conversations.Fail(conversation, remote, e);
            }
            finally
            {
                // After a goodbye everything is read and thrown away, so that the socket closes without a reset.
                input.AdvanceTo(conversation.Channel.Closing ? read.Buffer.End : buffer.Start, read.Buffer.End);
            }
            if (read.IsCompleted || conversation.Channel.Left)
            {
                return;
            }
        }
    }

    private static bool TryReadFrame(ref ReadOnlySequence<byte> buffer, Channel channel, out ReadOnlySequence<byte> body)
    {
        switch (Frame.TryRead(ref buffer, out body))
        {
            case FrameStatus.Done:
                return true;
            case FrameStatus.TooLong:
                channel.Close(CloseReason.FrameTooLong, $"a frame's body has at most {Limits.MaxFrameBytes} bytes");
                return false;
            case FrameStatus.Malformed:
                channel.Close(CloseReason.Malformed, "a frame's body has at least one byte");
                return false;
            default:
                return false;
        }
    }
}

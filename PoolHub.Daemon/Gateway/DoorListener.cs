using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using PoolHub.Daemon.Access;
using PoolHub.Protocol.Wire;

namespace PoolHub.Daemon.Gateway;

/// <summary>
/// Accepts connections, and makes something of them only when they have sent their first bytes: at both doors it is the
/// client who speaks first. Until then one costs a socket and a place at the gate, so that a crowd that only stands there,
/// or comes and goes, costs little.
/// </summary>
internal sealed class DoorListener : IConnectionListener
{
    /// <summary>So many, then whoever is inside has a turn.</summary>
    private const int AtOnce = 64;

    /// <summary>Where some are refused others follow: to take them together costs much less than one by one.</summary>
    private static readonly TimeSpan Gather = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan Scarce = TimeSpan.FromMilliseconds(10);

    /// <summary>
    /// What is said at the doors begins with no fewer bytes, the header of a frame. The kernel waits for so many, unless
    /// fewer were there already, or are the last: one that sends a byte a second has no Kestrel connection before its time
    /// is over.
    /// </summary>
    private const int LeastBytes = Frame.PrefixBytes;

    private readonly Socket _listening;
    private readonly Func<AcceptGate> _gate;
    private readonly SocketConnectionContextFactory _connections;
    private readonly Channel<ConnectionContext> _spoken = Channel.CreateUnbounded<ConnectionContext>(new() { SingleReader = true });
    private readonly FirstBytes _waiting;

    public DoorListener(Socket listening, Func<AcceptGate> gate, SocketConnectionContextFactory connections)
    {
        (_listening, _gate, _connections) = (listening, gate, connections);
        EndPoint = listening.LocalEndPoint!;
        listening.Blocking = false;
        // Those who are accepted have it from here.
        listening.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReceiveLowWater, LeastBytes);
        // A hub that was killed may have left one in a socket of systemd's.
        Drop([]);
        _waiting = new FirstBytes(HandOver, gated => _gate().Leave(gated));
        _ = AcceptAllAsync();
    }

    public EndPoint EndPoint { get; }

    /// <summary>Connections that have not sent anything.</summary>
    public int Waiting => _waiting.Count;

    /// <summary>The next connection that has something to say; null when the door is closed.</summary>
    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default) =>
        await _spoken.Reader.WaitToReadAsync(cancellationToken) && _spoken.Reader.TryRead(out ConnectionContext? connection) ? connection : null;

    /// <summary>Nobody from there comes as far as the door.</summary>
    public void Drop(IReadOnlyList<AddressBlock> addresses)
    {
        try
        {
            _ = SynFilter.Attach(_listening, addresses);
        }
        catch (ObjectDisposedException)
        {
            // It is closed.
        }
    }

    /// <summary>Nobody comes in any more; who is in and has said nothing yet may still.</summary>
    public void Close()
    {
        // A socket of systemd's stays open, for the next hub.
        Drop([]);
        _listening.Dispose();
    }

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        Close();
        _ = _spoken.Writer.TryComplete();
        _waiting.Close();
        return default;
    }

    public ValueTask DisposeAsync() => UnbindAsync();

    private async Task AcceptAllAsync()
    {
        while (true)
        {
            try
            {
                Socket socket = await _listening.AcceptAsync();
                Admit(socket, PeerOf(socket));
                bool more;
                do
                {
                    // While somebody waits outside, accepting never does: without this it would keep its thread from all who are inside.
                    await Task.Yield();
                    more = AdmitWaiting(out bool refused);
                    if (refused)
                    {
                        await Task.Delay(Gather);
                    }
                }
                while (more);
            }
            catch (ObjectDisposedException)
            {
                return;
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.OperationAborted)
            {
                return;
            }
            catch (SocketException)
            {
                // No memory or no descriptor is left for it: it waits.
                await Task.Delay(Scarce);
            }
            catch (Exception e)
            {
                // Kestrel says so: a door that opens no more must not go unseen.
                _ = _spoken.Writer.TryComplete(e);
                return;
            }
        }
    }

    /// <summary>Lets in who waits by now, or some of them.</summary>
    /// <param name="refused">Whether one was one too many.</param>
    /// <returns>Whether anybody waited.</returns>
    private bool AdmitWaiting(out bool refused)
    {
        refused = false;
        int came = 0;
        for (; came < AtOnce && AcceptQueue.TryTake(_listening, out int descriptor, out IPEndPoint peer); came++)
        {
            if (_gate().TryRefuse(peer))
            {
                AcceptQueue.Refuse(descriptor);
                refused = true;
            }
            else
            {
#pragma warning disable CA2000 // Who admits it has it.
                Admit(new Socket(new SafeSocketHandle(descriptor, ownsHandle: true)), peer);
#pragma warning restore CA2000
            }
        }
        return came > 0;
    }

    private void Admit(Socket socket, EndPoint? peer)
    {
        // From here on the gate may close it at any time.
        _ = SynFilter.Detach(socket);
        if (_gate().TryEnter(peer, socket.Dispose) is { } gated)
        {
            _waiting.Wait(socket, gated);
        }
        else
        {
            socket.Close(timeout: 0);
        }
    }

    private static EndPoint? PeerOf(Socket socket)
    {
        try
        {
            return socket.RemoteEndPoint;
        }
        catch (SocketException)
        {
            // It is gone already, as the wait for its first byte will show.
            return null;
        }
    }

    private bool HandOver(Socket socket, GatedConnection gated)
    {
        try
        {
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReceiveLowWater, 1);
            ConnectionContext connection = _connections.Create(socket);
            connection.Features.Set(gated);
            gated.Abort = connection.Abort;
            return _spoken.Writer.TryWrite(connection);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return false;
        }
    }
}

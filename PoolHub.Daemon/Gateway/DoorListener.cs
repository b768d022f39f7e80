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
/// client who speaks first. Until then one is a stranger and a place at the gate, so that a crowd that only stands there, or
/// comes and goes, costs little.
/// </summary>
internal sealed class DoorListener : IConnectionListener
{
    /// <summary>So many, then those who are inside have a turn.</summary>
    private const int AtOnce = 32;

    /// <summary>
    /// What is said at the doors begins with no fewer bytes, the header of a frame. The kernel waits for so many, unless
    /// fewer are the last: one that sends a byte a second has no Kestrel connection before its time is over.
    /// </summary>
    private const int LeastBytes = Frame.PrefixBytes;

    private readonly Socket _listening;
    private readonly Func<AcceptGate> _gate;
    private readonly SocketConnectionContextFactory _connections;
    private readonly Channel<ConnectionContext> _spoken = Channel.CreateUnbounded<ConnectionContext>(new() { SingleReader = true });
    private readonly Strangers _strangers;
    private readonly Action<GatedConnection> _close;

    public DoorListener(Socket listening, Func<AcceptGate> gate, SocketConnectionContextFactory connections)
    {
        (_listening, _gate, _connections) = (listening, gate, connections);
        EndPoint = listening.LocalEndPoint!;
        listening.Blocking = false;
        // Those who are accepted have it from here.
        listening.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReceiveLowWater, LeastBytes);
        // A hub that was killed may have left one in a socket of systemd's.
        Drop([]);
        // Kestrel says what went wrong: a door that opens no more must not go unseen.
        _strangers = new Strangers(
            listening.SafeHandle, AdmitWaiting, HandOver, (gated, isWordless) => _gate().Leave(gated, isWordless), e => _spoken.Writer.TryComplete(e));
        _close = _strangers.Close;
        _strangers.Start();
    }

    public EndPoint EndPoint { get; }

    /// <summary>Connections that have not sent anything.</summary>
    public int Waiting => _strangers.Count;

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
        _strangers.Forget();
        _listening.Dispose();
    }

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        Close();
        _ = _spoken.Writer.TryComplete();
        _strangers.Dispose();
        return default;
    }

    public ValueTask DisposeAsync() => UnbindAsync();

    /// <summary>Lets in who waits outside by now, or some of them.</summary>
    /// <returns>
    /// Whether others should gather first: where some are refused more follow, and where none could be taken no memory or no
    /// descriptor is left for it.
    /// </returns>
    private bool AdmitWaiting()
    {
        bool gather = false;
        int came = 0;
        try
        {
            for (; came < AtOnce && AcceptQueue.TryTake(_listening, out int descriptor, out IPEndPoint peer); came++)
            {
                if (_gate().TryEnter(peer, _close) is { } gated)
                {
                    _strangers.Wait(descriptor, gated);
                }
                else
                {
                    AcceptQueue.Refuse(descriptor);
                    gather = true;
                }
            }
        }
        catch (ObjectDisposedException)
        {
            // The door was closed in the meantime.
        }
        return gather || came == 0;
    }

    private bool HandOver(int descriptor, GatedConnection gated)
    {
#pragma warning disable CA2000 // The connection has both.
        var handle = new SafeSocketHandle(descriptor, ownsHandle: true);
        try
        {
            SynFilter.Detach(descriptor);
            var socket = new Socket(handle);
#pragma warning restore CA2000
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReceiveLowWater, 1);
            ConnectionContext connection = _connections.Create(socket);
            connection.Features.Set(gated);
            gated.Become(connection);
            if (_spoken.Writer.TryWrite(connection))
            {
                return true;
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It is gone already.
        }
        handle.Dispose();
        return false;
    }
}

using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace PoolHub.Daemon.Gateway;

/// <summary>
/// Accepts connections; who is one too many is closed before anything is made for him, so that a crowd costs little.
/// </summary>
internal sealed class DoorListener(Socket listening, Func<AcceptGate> gate, SocketConnectionContextFactory connections) : IConnectionListener
{
    public EndPoint EndPoint { get; } = listening.LocalEndPoint!;

    /// <summary>The next connection; null when the door is closed.</summary>
    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (true)
        {
            try
            {
                // While somebody waits outside, accepting never does: without this it would keep its thread from all who are inside.
                await Task.Yield();
                Socket socket = await listening.AcceptAsync(cancellationToken);
                if (Admit(socket))
                {
                    return connections.Create(socket);
                }
            }
            catch (ObjectDisposedException)
            {
                return null;
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.OperationAborted)
            {
                return null;
            }
            catch (SocketException)
            {
                // That one was gone before it was accepted.
            }
        }
    }

    private bool Admit(Socket socket)
    {
        try
        {
            if (!gate().IsFull(socket.RemoteEndPoint))
            {
                socket.NoDelay = true;
                return true;
            }
        }
        catch (SocketException)
        {
            // It is gone already.
        }
        // At once, with a reset: nothing of it waits in the kernel.
        socket.Close(timeout: 0);
        return false;
    }

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        listening.Dispose();
        return default;
    }

    public ValueTask DisposeAsync()
    {
        listening.Dispose();
        return default;
    }
}

using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace PoolHub.Daemon.Gateway;

/// <summary>Opens the doors' sockets for Kestrel, and can close them before it stops: it would close its connections, too.</summary>
internal sealed class DoorSockets(SocketTransportFactory sockets) : IConnectionListenerFactory
{
    private readonly List<IConnectionListener> _listeners = [];

    public async ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        IConnectionListener listener = await sockets.BindAsync(endpoint, cancellationToken);
        _listeners.Add(listener);
        return listener;
    }

    /// <summary>From here on nobody is let in; who waits in a socket of systemd's is the next hub's.</summary>
    public async Task CloseAsync()
    {
        foreach (IConnectionListener listener in _listeners)
        {
            await listener.UnbindAsync();
        }
    }
}

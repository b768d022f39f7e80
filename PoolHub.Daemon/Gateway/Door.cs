using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace PoolHub.Daemon.Gateway;

/// <summary>Where one of the two doors opens: at an address of its own, or in the sockets that systemd has passed for its port.</summary>
/// <param name="setting">Names the port's setting in what goes wrong.</param>
internal sealed class Door(IPAddress bind, int port, string setting, PassedSocket[] sockets)
{
    private readonly PassedSocket[]? _passed = PassedSockets.ForPort(sockets, port, setting);
    private ListenOptions? _bound;

    /// <summary>The first, once it is open.</summary>
    public IPEndPoint Address => _passed?[0].Address ?? _bound!.IPEndPoint!;

    public void Open(KestrelServerOptions kestrel, Action<ListenOptions> configure)
    {
        if (_passed is null)
        {
            kestrel.Listen(bind, port, options =>
            {
                _bound = options;
                configure(options);
            });
            return;
        }
        foreach (PassedSocket socket in _passed)
        {
            kestrel.ListenHandle(socket.Handle, configure);
        }
    }
}

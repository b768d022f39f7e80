using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace PoolHub.Daemon.Gateway;

/// <summary>A listening socket that the program was started with.</summary>
/// <param name="Handle">Its file descriptor.</param>
internal readonly record struct PassedSocket(ulong Handle, IPEndPoint Address);

/// <summary>
/// Sockets from systemd, sd_listen_fds(3). They outlive the hub: who connects while it restarts waits in them. Which door
/// one is for is told by its port.
/// </summary>
internal static class PassedSockets
{
    private const int FirstHandle = 3;

    /// <summary>None when the environment names none, or those of another process.</summary>
    /// <exception cref="SocketException">One of them is no socket.</exception>
    public static PassedSocket[] Read(IReadOnlyDictionary<string, string> environment)
    {
        int count = Number(environment, "LISTEN_PID") == Environment.ProcessId ? Number(environment, "LISTEN_FDS") : 0;
        return [.. Enumerable.Range(FirstHandle, count).Select(Describe)];
    }

    /// <summary>Where a door opens: its sockets, or null when it has none and binds its own.</summary>
    /// <exception cref="IOException">There are sockets, but none has the door's port.</exception>
    public static PassedSocket[]? ForPort(PassedSocket[] sockets, int port, string setting)
    {
        if (sockets.Length == 0)
        {
            return null;
        }
        PassedSocket[] own = Array.FindAll(sockets, s => s.Address.Port == port);
        return own.Length > 0
            ? own
            : throw new IOException($"systemd passed sockets on {string.Join(", ", sockets.Select(s => s.Address))}, none on {setting}={port}: "
                + "make poolhub.socket and the settings agree");
    }

    private static PassedSocket Describe(int handle)
    {
        // Not owned: closing it here would close it for the door.
        using var borrowed = new SafeSocketHandle(handle, ownsHandle: false);
        using var socket = new Socket(borrowed);
        return socket.LocalEndPoint is IPEndPoint address
            ? new PassedSocket((ulong)handle, address)
            : throw new IOException($"systemd passed file descriptor {handle}, which is no TCP socket");
    }

    private static int Number(IReadOnlyDictionary<string, string> environment, string name) =>
        environment.TryGetValue(name, out string? text) && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            ? number
            : 0;
}

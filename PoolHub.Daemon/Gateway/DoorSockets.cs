using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using PoolHub.Daemon.Access;

namespace PoolHub.Daemon.Gateway;

/// <summary>
/// Opens the doors' sockets for Kestrel, and can close them before it stops: it would close its connections, too.
/// </summary>
/// <param name="gate">The gate, which stands when the first connection comes.</param>
/// <param name="logs">Where Kestrel's sockets log.</param>
internal sealed class DoorSockets(Func<AcceptGate> gate, ILoggerFactory logs) : IConnectionListenerFactory, IDisposable
{
    /// <summary>As many as may wait; the kernel's own limit, net.core.somaxconn, is the same on Debian.</summary>
    private const int Backlog = 4_096;

    /// <summary>
    /// What the kernel keeps at most for one who does not read; it takes twice that. By itself it would go up to 4 MB.
    /// </summary>
    private const int SendBufferBytes = 131_072;

    /// <summary>
    /// What one may send ahead of what is read. Who sends requests and reads no answer has so much of the hub's memory,
    /// which by itself would take 1 MB.
    /// </summary>
    private const int ReadAheadBytes = 65_536;

    private readonly SocketConnectionContextFactory _connections =
        new(new SocketConnectionFactoryOptions { MaxReadBufferSize = ReadAheadBytes }, logs.CreateLogger<SocketConnectionContextFactory>());
    private readonly List<DoorListener> _listeners = [];
    private IReadOnlyList<AddressBlock> _dropped = [];

    /// <summary>Connections at both doors that have not sent anything.</summary>
    public int Waiting => _listeners.Sum(listener => listener.Waiting);

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
#pragma warning disable CA2000 // The listener has it.
        Socket socket = Bind(endpoint);
#pragma warning restore CA2000
        try
        {
            // Those who are accepted have all of it from here.
            socket.NoDelay = true;
            socket.SendBufferSize = SendBufferBytes;
            socket.Listen(Backlog);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
        var listener = new DoorListener(socket, gate, _connections);
        _listeners.Add(listener);
        return ValueTask.FromResult<IConnectionListener>(listener);
    }

    private static Socket Bind(EndPoint endpoint)
    {
        try
        {
            return SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            // Kestrel says which address it was.
            throw new AddressInUseException(e.Message, e);
        }
    }

    /// <summary>Tells the kernel whom the gate has shut out.</summary>
    public void Sweep()
    {
        IReadOnlyList<AddressBlock> shutOut = gate().LastShutOut(SynFilter.MaxAddresses);
        if (!shutOut.SequenceEqual(_dropped))
        {
            _dropped = shutOut;
            _listeners.ForEach(listener => listener.Drop(shutOut));
        }
    }

    /// <summary>From here on nobody is let in; who waits in a socket of systemd's is the next hub's.</summary>
    public void Close() => _listeners.ForEach(listener => listener.Close());

    public void Dispose() => _connections.Dispose();
}

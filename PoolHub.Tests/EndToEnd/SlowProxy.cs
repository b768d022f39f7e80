using System.Net;
using System.Net.Sockets;

namespace PoolHub.Tests.EndToEnd;

/// <summary>Stands between a hub and its database, and keeps whatever the hub says for a while.</summary>
internal sealed class SlowProxy : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly int _target;
    private long _delayMs;

    public SlowProxy(int target)
    {
        _target = target;
        _listener.Start();
        _ = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public TimeSpan Delay { set => Interlocked.Exchange(ref _delayMs, (long)value.TotalMilliseconds); }

    public void Dispose() => _listener.Dispose();

    private async Task AcceptAsync()
    {
        while (true)
        {
            try
            {
                _ = ServeAsync(await _listener.AcceptTcpClientAsync());
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private async Task ServeAsync(TcpClient hub)
    {
        using (hub)
        using (var database = new TcpClient())
        {
            try
            {
                await database.ConnectAsync(IPAddress.Loopback, _target);
                (hub.NoDelay, database.NoDelay) = (true, true);
                await Task.WhenAny(CopyAsync(hub.GetStream(), database.GetStream(), slow: true), CopyAsync(database.GetStream(), hub.GetStream(), slow: false));
            }
            catch (Exception e) when (e is SocketException or IOException or ObjectDisposedException)
            {
                // One of them has gone.
            }
        }
    }

    private async Task CopyAsync(NetworkStream from, NetworkStream to, bool slow)
    {
        byte[] buffer = new byte[65_536];
        int read;
        while ((read = await from.ReadAsync(buffer)) > 0)
        {
            if (slow && Interlocked.Read(ref _delayMs) is > 0 and var delayMs)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(delayMs));
            }
            await to.WriteAsync(buffer.AsMemory(0, read));
        }
    }
}

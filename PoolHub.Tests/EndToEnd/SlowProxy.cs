using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace PoolHub.Tests.EndToEnd;

/// <summary>
/// Stands between a hub and its database, and makes every statement of the hub take longer: a group of several that was
/// sent at once, by as many times.
/// </summary>
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
                await Task.WhenAny(CopyStatementsAsync(hub.GetStream(), database.GetStream()), CopyAsync(database.GetStream(), hub.GetStream()));
            }
            catch (Exception e) when (e is SocketException or IOException or ObjectDisposedException)
            {
                // One of them has gone.
            }
        }
    }

    private static async Task CopyAsync(NetworkStream from, NetworkStream to) => await from.CopyToAsync(to);

    /// <summary>Message by message, https://www.postgresql.org/docs/15/protocol-message-formats.html</summary>
    private async Task CopyStatementsAsync(NetworkStream from, NetworkStream to)
    {
        const int LengthBytes = 4;
        byte[] head = new byte[1 + LengthBytes];
        // The first message has no type.
        for (int typeBytes = 0; ; typeBytes = 1)
        {
            Memory<byte> begin = head.AsMemory(0, typeBytes + LengthBytes);
            await from.ReadExactlyAsync(begin);
            byte[] body = new byte[BinaryPrimitives.ReadInt32BigEndian(begin.Span[typeBytes..]) - LengthBytes];
            await from.ReadExactlyAsync(body);
            bool executes = typeBytes > 0 && head[0] is (byte)'E' or (byte)'Q';
            if (executes && Interlocked.Read(ref _delayMs) is > 0 and var delayMs)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(delayMs));
            }
            await to.WriteAsync(begin);
            await to.WriteAsync(body);
        }
    }
}

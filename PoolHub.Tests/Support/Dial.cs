using System.Net;
using System.Net.Sockets;

namespace PoolHub.Tests.Support;

/// <summary>Bare connections, from addresses of the test's choice.</summary>
internal static class Dial
{
    public static async Task<Socket> ConnectAsync(IPEndPoint hub, string? from = null)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        if (from is not null)
        {
            socket.Bind(new IPEndPoint(IPAddress.Parse(from), 0));
        }
        await socket.ConnectAsync(hub).WaitAsync(TestHub.Patience);
        return socket;
    }

    public static async Task<bool> IsRefusedAsync(IPEndPoint hub, string from)
    {
        try
        {
            using Socket socket = await ConnectAsync(hub, from);
            return await EndsAsync(socket);
        }
        catch (SocketException)
        {
            // It was closed before the connecting was done.
            return true;
        }
    }

    /// <summary>Whether the hub closes it before it says a word.</summary>
    public static async Task<bool> EndsAsync(Socket socket)
    {
        try
        {
            return await socket.ReceiveAsync(new byte[1]).WaitAsync(TestHub.Patience) == 0;
        }
        catch (SocketException)
        {
            return true;
        }
    }
}

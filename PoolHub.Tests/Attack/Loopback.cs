using System.Net;
using System.Net.Sockets;

namespace PoolHub.Tests.Attack;

/// <summary>Connections from many addresses of one machine: all of 127.0.0.0/8 is the loopback.</summary>
internal static class Loopback
{
    /// <summary>Where honest miners come from.</summary>
    public static IPAddress Honest(int i) => new([127, 0, (byte)(1 + (i / 250 % 4)), (byte)(1 + (i % 250))]);

    /// <summary>Where attackers come from, a few hundred addresses in all.</summary>
    public static IPAddress Hostile(int i) => new([127, 1, (byte)(i / 250 % 2), (byte)(1 + (i % 250))]);

    public static Socket NewSocket(IPAddress from)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, Blocking = false };
        socket.Bind(new IPEndPoint(from, 0));
        return socket;
    }
}

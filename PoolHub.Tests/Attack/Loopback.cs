using System.Net;
using System.Net.Sockets;

namespace PoolHub.Tests.Attack;

/// <summary>Connections from many addresses of one machine: all of 127.0.0.0/8 is the loopback.</summary>
internal static class Loopback
{
    /// <summary>Where honest miners come from.</summary>
    public static IPAddress Honest(int i) => new([127, 0, (byte)(1 + (i / 250 % 4)), (byte)(1 + (i % 250))]);

    /// <summary>Where attackers come from.</summary>
    /// <param name="i">Of the attacker.</param>
    /// <param name="addresses">How many they have together, up to 62,500.</param>
    public static IPAddress Hostile(int i, int addresses) => new([127, 1, (byte)(i % addresses / 250), (byte)(1 + (i % addresses % 250))]);

    public static Socket NewSocket(IPAddress from)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, Blocking = false };
        socket.Bind(new IPEndPoint(from, 0));
        return socket;
    }
}

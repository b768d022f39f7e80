using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Text;
using PoolHub.Protocol.Wire;

namespace PoolHub.Tests.Attack;

/// <summary>One connection of a hostile crowd, which comes back when it is closed. Whoever visits it never waits for it.</summary>
internal abstract class Attacker : IDisposable
{
    private readonly IPEndPoint _door;
    private readonly IPAddress _from;
    private readonly SocketAsyncEventArgs _connecting = new();
    private Socket? _socket;
    private volatile bool _connected;

    protected Attacker(IPEndPoint door, IPAddress from)
    {
        (_door, _from) = (door, from);
        _connecting.RemoteEndPoint = door;
        _connecting.Completed += (_, _) => _connected = true;
    }

    public int Connections { get; private set; }

    /// <summary>Called again and again, by one thread.</summary>
    /// <returns>False when it waits for its connection.</returns>
    public bool Visit()
    {
        if (_socket is null)
        {
            Connect();
        }
        else if (!_connected)
        {
            return false;
        }
        else if (_connecting.SocketError != SocketError.Success || !Attack(_socket))
        {
            Leave();
        }
        return true;
    }

    public void Dispose()
    {
        Leave();
        _connecting.Dispose();
    }

    /// <summary>Does its worst; false when the connection is over.</summary>
    protected abstract bool Attack(Socket socket);

    protected virtual void Prepare(Socket socket)
    {
    }

    /// <summary>Whether the hub has not closed it; what it said is thrown away.</summary>
    protected static bool IsOpen(Socket socket)
    {
        Span<byte> dust = stackalloc byte[1_024];
        int read = socket.Receive(dust, SocketFlags.None, out SocketError error);
        return error == SocketError.WouldBlock || (error == SocketError.Success && read > 0);
    }

    /// <summary>False when the connection is over; bytes that do not fit are lost.</summary>
    protected static bool Send(Socket socket, ReadOnlySpan<byte> bytes)
    {
        _ = socket.Send(bytes, SocketFlags.None, out SocketError error);
        return error is SocketError.Success or SocketError.WouldBlock;
    }

    private void Connect()
    {
        _connected = false;
        _socket = Loopback.NewSocket(_from);
        Prepare(_socket);
        Connections++;
        if (!_socket.ConnectAsync(_connecting))
        {
            _connected = true;
        }
    }

    private void Leave()
    {
        _socket?.Dispose();
        _socket = null;
    }
}

/// <summary>Connects and sends nothing.</summary>
internal sealed class SilentAttacker(IPEndPoint door, IPAddress from) : Attacker(door, from)
{
    protected override bool Attack(Socket socket) => IsOpen(socket);
}

/// <summary>What is sent one byte at a visit.</summary>
internal enum Drip
{
    Frame,
    Head,
    /// <summary>After its head, at once.</summary>
    Body,
}

/// <summary>Sends what begins well, one byte at a visit.</summary>
internal sealed class DrippingAttacker(IPEndPoint door, IPAddress from, Drip drip) : Attacker(door, from)
{
    private static readonly byte[] s_head = "POST /v1/miners/register HTTP/1.1\r\nHost: hub\r\nContent-Length: 200000\r\n\r\n"u8.ToArray();

    private readonly byte[] _bytes = drip switch
    {
        Drip.Frame => [0, 0, 0x40, 0, .. Enumerable.Repeat((byte)0x91, 4_000)],
        Drip.Head => Encoding.ASCII.GetBytes($"POST /v1/miners/register HTTP/1.1\r\nHost: hub\r\nX-Slow: {new string('s', 4_000)}"),
        _ => [.. s_head, .. Enumerable.Repeat((byte)' ', 4_000)],
    };

    private int _sent;

    protected override void Prepare(Socket socket) => _sent = 0;

    protected override bool Attack(Socket socket)
    {
        int count = _sent == 0 && drip == Drip.Body ? s_head.Length : 1;
        int from = _sent % _bytes.Length;
        _sent += count;
        return IsOpen(socket) && Send(socket, _bytes.AsSpan(from, count));
    }
}

/// <summary>Sends random bytes.</summary>
internal sealed class GarbageAttacker(IPEndPoint door, IPAddress from, ulong seed) : Attacker(door, from)
{
    private readonly Random _random = new((int)seed);
    private readonly byte[] _bytes = new byte[512];

    protected override bool Attack(Socket socket)
    {
        _random.NextBytes(_bytes);
        return IsOpen(socket) && Send(socket, _bytes);
    }
}

/// <summary>Has the hub send it much and reads nothing of it: a miner with a key of its own, or a client of the metrics.</summary>
internal sealed class DeafAttacker : Attacker
{
    public const string Region = "mars-1";
    private const int Together = 40;

    private readonly byte[] _greeting;
    private readonly byte[] _bytes;
    private bool _greeted;

    public DeafAttacker(IPEndPoint door, IPAddress from, bool http, int number)
        : base(door, from)
    {
        var greeting = new ArrayBufferWriter<byte>();
        var bytes = new ArrayBufferWriter<byte>();
        if (!http)
        {
            string id = $"deaf-{number}";
            Frame.Write(greeting, new Hello(1, [], id, EndToEnd.Samples.KeyOf(id), null));
            Frame.Write(greeting, new Register(EndToEnd.Samples.Profile(region: Region)));
        }
        for (int i = 0; i < Together; i++)
        {
            if (http)
            {
                bytes.Write("GET /v1/metrics HTTP/1.1\r\nHost: hub\r\n\r\n"u8);
            }
            else
            {
                // Each is answered with an error, or acknowledged.
                Frame.WriteBody(bytes, i < 15 ? [0x92, 0xcd, 0x12, 0x34, 0xc0] : Frame.Encode(new Heartbeat(i, 0, 0, null, null, null)));
            }
        }
        (_greeting, _bytes) = (greeting.WrittenSpan.ToArray(), bytes.WrittenSpan.ToArray());
    }

    protected override void Prepare(Socket socket)
    {
        socket.ReceiveBufferSize = 4_096;
        _greeted = false;
    }

    protected override bool Attack(Socket socket)
    {
        if (!_greeted)
        {
            _greeted = true;
            return _greeting.Length == 0 || Send(socket, _greeting);
        }
        return Send(socket, _bytes);
    }
}

/// <summary>Connects, and resets the connection at the next visit.</summary>
internal sealed class RestlessAttacker(IPEndPoint door, IPAddress from) : Attacker(door, from)
{
    protected override void Prepare(Socket socket) => socket.LingerState = new LingerOption(true, 0);

    protected override bool Attack(Socket socket) => false;
}

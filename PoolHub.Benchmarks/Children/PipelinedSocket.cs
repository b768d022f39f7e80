using System.Net;
using System.Net.Sockets;

namespace PoolHub.Benchmarks.Children;

/// <summary>
/// A connection that sends the same block of commands again and again without waiting for their answers, and counts
/// those. Nothing it does blocks.
/// </summary>
/// <param name="port">On this machine.</param>
/// <param name="block">The commands, encoded.</param>
/// <param name="commands">How many they are.</param>
internal abstract class PipelinedSocket(int port, byte[] block, int commands) : IDisposable
{
    private readonly byte[] _received = new byte[32_768];
    private int _filled;
    private int _sentOfBlock = block.Length;

    public Socket Socket { get; } = Dial(port);

    /// <summary>Commands sent, whole blocks of them; and those that were answered.</summary>
    public long Sent { get; private set; }
    public long Acknowledged { get; protected set; }

    /// <summary>Whether a block is half sent.</summary>
    public bool IsSending => _sentOfBlock < block.Length;

    public void BeginPipeline() => Socket.Blocking = false;

    /// <summary>Goes on with the block, or with the next one; false when the socket takes nothing now.</summary>
    public bool Send(bool next = true)
    {
        if (!IsSending)
        {
            if (!next)
            {
                return false;
            }
            Renew(block);
            _sentOfBlock = 0;
            Sent += commands;
        }
        int sent = Socket.Send(block.AsSpan(_sentOfBlock), SocketFlags.None, out SocketError error);
        if (error == SocketError.WouldBlock)
        {
            return false;
        }
        if (error != SocketError.Success)
        {
            throw new SocketException((int)error);
        }
        _sentOfBlock += sent;
        return true;
    }

    /// <summary>Takes what has come; false when nothing has.</summary>
    public bool Receive()
    {
        int read = Socket.Receive(_received.AsSpan(_filled), SocketFlags.None, out SocketError error);
        if (error == SocketError.WouldBlock)
        {
            return false;
        }
        if (error != SocketError.Success || read == 0)
        {
            throw new IOException($"the server closed the connection: {error}");
        }
        _filled += read;
        int taken = Take(_received.AsSpan(0, _filled));
        _received.AsSpan(taken, _filled - taken).CopyTo(_received);
        _filled -= taken;
        return true;
    }

    public void Dispose() => Socket.Dispose();

    private static Socket Dial(int port)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        socket.Connect(IPAddress.Loopback, port);
        return socket;
    }

    /// <summary>Makes another block of the last one, of the same length.</summary>
    protected abstract void Renew(Span<byte> block);

    /// <summary>Counts the answers in what was received, and returns how many bytes they had.</summary>
    protected abstract int Take(ReadOnlySpan<byte> received);
}

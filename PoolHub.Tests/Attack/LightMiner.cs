using System.Buffers;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using PoolHub.Protocol;
using PoolHub.Protocol.Wire;
using PoolHub.Tests.EndToEnd;

namespace PoolHub.Tests.Attack;

/// <summary>
/// An honest miner of which one process can be fifteen thousand: one socket, no task, no timer. Told to come back later, it
/// does; dropped, it comes back when it is next told to <see cref="Act"/>.
/// </summary>
internal sealed class LightMiner : IDisposable
{
    private const int BufferBytes = 1_024;

    /// <summary>After a connection that failed.</summary>
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(200);

    private readonly string _id;
    private readonly IPAddress _from;
    private readonly byte[] _buffer = new byte[BufferBytes];
    private readonly SocketAsyncEventArgs _io = new();
    private readonly Lock _gate = new();
    private IPEndPoint _hub;
    private Socket? _socket;
    private int _filled;
    private long _seq;
    private long _retryAt;
    private bool _broken;
    private string? _token;

    public LightMiner(string id, IPAddress from, IPEndPoint hub)
    {
        (_id, _from, _hub) = (id, from, hub);
        _io.Completed += (_, _) => Complete();
    }

    public bool IsOnline { get; private set; }

    /// <summary>How often its connection ended, whoever ended it.</summary>
    public int Drops { get; private set; }

    /// <summary>Why the hub sent it away last; null when it never did.</summary>
    public CloseReason? SentAway { get; private set; }

    /// <summary>The last heartbeat that it sent, and the last that was acknowledged.</summary>
    public long Sent => _seq;
    public long Acknowledged { get; private set; }

    /// <summary>Without one it begins anew, with its key.</summary>
    public bool ForgetsItsToken { get; init; }

    /// <summary>Connects when it is time to; else beats, when it may.</summary>
    public void Act(bool beat)
    {
        lock (_gate)
        {
            if (_socket is null)
            {
                if (Stopwatch.GetTimestamp() >= _retryAt)
                {
                    Connect();
                }
            }
            else if (beat && IsOnline && !_broken)
            {
                Say(new Heartbeat(++_seq, 0, 0, null, 60, 8));
            }
        }
    }

    /// <summary>Its connection is reset.</summary>
    public void Break()
    {
        lock (_gate)
        {
            // What waits for the socket then hears of its end; until then nobody may use it.
            _broken = true;
            _socket?.Close(0);
        }
    }

    public void MoveTo(IPEndPoint hub) => _hub = hub;

    public void Dispose()
    {
        lock (_gate)
        {
            _socket?.Dispose();
        }
        _io.Dispose();
    }

    private void Connect()
    {
        _filled = 0;
        _broken = false;
        _socket = Loopback.NewSocket(_from);
        _io.RemoteEndPoint = _hub;
        _io.SetBuffer(null, 0, 0);
        if (!_socket.ConnectAsync(_io))
        {
            Take();
        }
    }

    private void Complete()
    {
        lock (_gate)
        {
            Take();
        }
    }

    /// <summary>Goes on as long as there is something to go on with.</summary>
    private void Take()
    {
        do
        {
            if (_socket is null || _broken || _io.SocketError != SocketError.Success || (_io.LastOperation == SocketAsyncOperation.Receive && _io.BytesTransferred == 0))
            {
                Drop();
                return;
            }
            if (_io.LastOperation == SocketAsyncOperation.Connect)
            {
                bool resumes = _token is not null && !ForgetsItsToken;
                Say(new Hello(1, [], _id, resumes ? null : Samples.KeyOf(_id), resumes ? _token : null));
            }
            else
            {
                _filled += _io.BytesTransferred;
                Read();
            }
            if (_socket is null)
            {
                return;
            }
            _io.SetBuffer(_buffer, _filled, BufferBytes - _filled);
        }
        while (!_socket.ReceiveAsync(_io));
    }

    private void Read()
    {
        var rest = new ReadOnlySequence<byte>(_buffer, 0, _filled);
        while (Frame.TryRead(ref rest, out ReadOnlySequence<byte> body) == FrameStatus.Done)
        {
            Hear(body.ToArray());
        }
        _filled = (int)rest.Length;
        rest.ToArray().CopyTo(_buffer, 0);
    }

    private void Hear(byte[] body)
    {
        Assert.True(MessageReader.TryOpen(body, out int number, out MessageReader reader));
        switch ((MessageNumber)number)
        {
            case MessageNumber.Welcome:
                Welcome welcome = Welcome.Read(ref reader);
                _token = welcome.SessionToken;
                IsOnline = welcome.Resumed;
                if (!welcome.Resumed)
                {
                    Say(new Register(Samples.Profile()));
                }
                break;
            case MessageNumber.Registered:
                IsOnline = true;
                break;
            case MessageNumber.HeartbeatAck:
                Acknowledged = HeartbeatAck.Read(ref reader).Seq;
                break;
            case MessageNumber.Ping:
                Say(new Pong(Ping.Read(ref reader).Nonce));
                break;
            case MessageNumber.Goodbye:
                Goodbye goodbye = Goodbye.Read(ref reader);
                SentAway = goodbye.Reason;
                _token = goodbye.Reason == CloseReason.StaleSession ? null : _token;
                _retryAt = Stopwatch.GetTimestamp() + (goodbye.RetryAfterMs * Stopwatch.Frequency / 1_000);
                break;
            default:
                break;
        }
    }

    private void Say<T>(in T message)
        where T : struct, IMessage<T>
    {
        var frame = new ArrayBufferWriter<byte>();
        Frame.Write(frame, message);
        _ = _socket!.Send(frame.WrittenSpan, SocketFlags.None, out _);
    }

    private void Drop()
    {
        _socket?.Dispose();
        _socket = null;
        IsOnline = false;
        Drops++;
        _seq = Acknowledged = 0;
        _retryAt = Math.Max(_retryAt, Stopwatch.GetTimestamp() + (long)(s_pause.TotalSeconds * Stopwatch.Frequency));
    }
}

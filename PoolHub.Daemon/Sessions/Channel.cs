using PoolHub.Daemon.Access;
using PoolHub.Daemon.Registry;
using PoolHub.Protocol;
using PoolHub.Protocol.Wire;

namespace PoolHub.Daemon.Sessions;

/// <summary>
/// One open socket of a miner, seen from the hub: what is sent through it and how it ends. Anybody may send or close;
/// the sweep looks at it once a second in place of a timer of its own.
/// </summary>
/// <param name="abort">Tears the socket down.</param>
/// <param name="openedAt">Timestamp from which the time for the hello counts.</param>
internal sealed class Channel(
    Transport transport, Outbound outbound, Inflow inflow, Action abort, long openedAt, SessionMetrics metrics, TimeProvider time)
{
    public static readonly TimeSpan HelloTimeout = TimeSpan.FromSeconds(2);

    /// <summary>For how long what waits for a miner may go unread.</summary>
    public static readonly TimeSpan StallTimeout = TimeSpan.FromSeconds(5);

    /// <summary>For how long a closed socket stays open, so that the goodbye is not lost with it.</summary>
    public static readonly TimeSpan LingerTimeout = TimeSpan.FromSeconds(1);

    private volatile WireForm _form;
    private volatile bool _closing;
    private long _closedAt;
    private int _closeOnce;
    private long _pingSentAt;
    private long _nextPingAt;
    private long _pingNonce;
    private volatile Session? _session;

    public Transport Transport => transport;

    /// <summary>Who is at the other end; a proxy in between says so before anything else.</summary>
    public Peer Peer { get; set; } = Peer.Unknown;

    /// <summary>Null until the handshake is done.</summary>
    public Session? Session { get => _session; set => _session = value; }

    /// <summary>The form in which the miner spoke last.</summary>
    public WireForm Form { get => _form; set => _form = value; }

    /// <summary>The miner may send heartbeats; from here on it is pinged.</summary>
    public bool Live { get; set; }

    /// <summary>A goodbye was sent or received: what comes in is read and thrown away.</summary>
    public bool Closing => _closing;

    /// <summary>Why it ended; null while it is open.</summary>
    public CloseReason? Ended { get; private set; }

    /// <summary>The miner said goodbye: it waits for the end of the socket and for nothing else.</summary>
    public bool Left => _closing && Ended == CloseReason.Leaving;

    /// <summary>Sends one message. A miner that reads too slowly is closed, never waited for.</summary>
    public void Send<T>(in T message)
        where T : struct, IMessage<T>
    {
        if (_closing)
        {
            return;
        }
        if (outbound.TrySend(message, _form))
        {
            metrics.Sent(T.Number);
        }
        else
        {
            Close(CloseReason.SlowConsumer, "what was sent was not read");
        }
    }

    /// <summary>Until it is disposed, the hub is at work on what the miner said and reads no further.</summary>
    public Work BeginWork()
    {
        _session!.Miner.AtWorkSince = time.GetTimestamp();
        return new Work(_session.Miner);
    }

    /// <summary>Counts what came in. A miner that sends too much is closed.</summary>
    public void Receive(int frames, long bytes)
    {
        if (inflow.Refuse(frames, bytes) is { } wait)
        {
            Close(CloseReason.RateLimited, "too much was sent in a second", (int)wait.TotalMilliseconds);
        }
    }

    /// <summary>Says goodbye. The first reason stands.</summary>
    public void Close(CloseReason reason, string detail = "", int retryAfterMs = 0)
    {
        if (End(reason))
        {
            outbound.SendLast(new Goodbye(reason, detail, retryAfterMs), _form);
            metrics.Sent(MessageNumber.Goodbye);
        }
    }

    /// <summary>
    /// Ends it without a word: the miner left or its socket is gone. False when it had ended already. A miner that left
    /// sees it when <see cref="Gone"/> is called.
    /// </summary>
    public bool End(CloseReason reason)
    {
        if (Interlocked.Exchange(ref _closeOnce, 1) != 0)
        {
            return false;
        }
        Ended = reason;
        Volatile.Write(ref _closedAt, time.GetTimestamp());
        _closing = true;
        metrics.Closed(reason);
        if (reason == CloseReason.Dropped)
        {
            outbound.End();
        }
        return true;
    }

    /// <summary>The socket is gone: nothing more is written to it, whatever else is just closing it.</summary>
    public void Gone()
    {
        _ = End(CloseReason.Dropped);
        outbound.End();
    }

    public void SendPing()
    {
        // Not to be guessed: a pong that is sent ahead of its ping would look like a fast miner.
        long nonce = Random.Shared.NextInt64(1L << 53);
        Volatile.Write(ref _pingNonce, nonce);
        Volatile.Write(ref _pingSentAt, time.GetTimestamp());
        Send(new Ping(nonce));
    }

    /// <summary>The round trip that a pong ends; null when it answers no open ping.</summary>
    public TimeSpan? RoundTrip(in Pong pong)
    {
        if (pong.Nonce != Volatile.Read(ref _pingNonce))
        {
            return null;
        }
        long sentAt = Interlocked.Exchange(ref _pingSentAt, 0);
        return sentAt != 0 ? time.GetElapsedTime(sentAt) : null;
    }

    /// <summary>Moves on what would be a timer elsewhere.</summary>
    /// <param name="now">Timestamp.</param>
    /// <param name="pingInterval">Between two pings of a live miner.</param>
    /// <param name="registerTimeout">From the connection to the registration.</param>
    /// <returns>Whether it was closed, or torn down.</returns>
    public bool Sweep(long now, TimeSpan pingInterval, TimeSpan registerTimeout)
    {
        if (_closing)
        {
            bool over = time.GetElapsedTime(Volatile.Read(ref _closedAt), now) >= LingerTimeout;
            if (over)
            {
                abort();
            }
            return over;
        }
        if (outbound.Stalled >= StallTimeout)
        {
            Close(CloseReason.SlowConsumer, "what was sent was not read");
        }
        else if (_session is null && time.GetElapsedTime(openedAt, now) >= HelloTimeout)
        {
            Close(CloseReason.HelloTimeout, "no hello came in time");
        }
        else if (!Live && _session is not { Miner.AtWorkSince: > 0 } && time.GetElapsedTime(openedAt, now) >= registerTimeout)
        {
            // No lease runs yet that could end.
            Close(CloseReason.LeaseExpired, "no registration came in time");
        }
        else if (Live && now >= _nextPingAt)
        {
            // Not all in one sweep, however many came at once.
            double jitter = _nextPingAt == 0 ? Random.Shared.NextDouble() : 0.9 + (Random.Shared.NextDouble() * 0.2);
            _nextPingAt = now + (long)(pingInterval.TotalSeconds * jitter * time.TimestampFrequency);
            SendPing();
        }
        return _closing;
    }

    public readonly struct Work(Miner miner) : IDisposable
    {
        public void Dispose() => miner.AtWorkSince = 0;
    }
}

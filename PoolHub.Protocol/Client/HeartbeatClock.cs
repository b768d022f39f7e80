using PoolHub.Protocol.Wire;

namespace PoolHub.Protocol.Client;

/// <summary>
/// When the next heartbeat is due, which are acknowledged, and whether the hub has fallen silent. The one timer of a
/// conversation; it also limits the greeting and the farewell.
/// </summary>
internal sealed class HeartbeatClock : IAsyncDisposable
{
    private readonly TimeProvider _time;
    private readonly Action _onDue;
    private readonly ITimer _timer;
    private readonly Lock _lock = new();
    private bool _beating;
    private TimeSpan _interval;
    private long _lastSentAt;
    private long _unansweredSince;
    private bool _unanswered;
    private long _seq;
    private long _ackedSeq;

    /// <param name="onDue">Called by the timer; must not block.</param>
    public HeartbeatClock(TimeProvider time, Action onDue)
    {
        _time = time;
        _onDue = onDue;
        _timer = time.CreateTimer(
            static state => ((HeartbeatClock)state!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Due once after a while, and no heartbeats until <see cref="Beat"/>.</summary>
    public void Limit(TimeSpan limit)
    {
        lock (_lock)
        {
            _beating = false;
            _ = _timer.Change(limit, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>Due at this interval from now on.</summary>
    public void Beat(TimeSpan interval)
    {
        lock (_lock)
        {
            _beating = true;
            _interval = interval;
            _lastSentAt = _time.GetTimestamp();
            SetNext();
        }
    }

    /// <summary>Notes that a heartbeat is about to be sent, and gives it its number.</summary>
    public long NextSeq()
    {
        lock (_lock)
        {
            NoteSent();
            return ++_seq;
        }
    }

    /// <summary>Notes that something is about to be sent that renews the lease and is acknowledged.</summary>
    public void NoteSent()
    {
        lock (_lock)
        {
            _lastSentAt = _time.GetTimestamp();
            if (!_unanswered)
            {
                _unanswered = true;
                _unansweredSince = _lastSentAt;
            }
            SetNext();
        }
    }

    /// <summary>How many heartbeats an acknowledgement is the first to cover, and the round trip if it was measured.</summary>
    public (long Newly, TimeSpan? RoundTrip) NoteAck(HeartbeatAck ack)
    {
        lock (_lock)
        {
            long newly = Math.Clamp(ack.Seq, _ackedSeq, _seq) - _ackedSeq;
            _ackedSeq += newly;
            TimeSpan? roundTrip = _unanswered ? _time.GetElapsedTime(_unansweredSince) : null;
            _unanswered = false;
            _interval = TimeSpan.FromSeconds(ack.NextHeartbeatSec);
            SetNext();
            return (newly, roundTrip);
        }
    }

    /// <summary>A connection that broke without a sign looks open: only missing answers tell.</summary>
    public bool IsSilentFor(TimeSpan lease)
    {
        lock (_lock)
        {
            return _unanswered && _time.GetElapsedTime(_unansweredSince) >= lease;
        }
    }

    public ValueTask DisposeAsync() => _timer.DisposeAsync();

    private void OnTimer()
    {
        lock (_lock)
        {
            if (_beating)
            {
                // The next one follows even when the sender is stuck: that is when the silence must be noticed.
                _ = _timer.Change(_interval, Timeout.InfiniteTimeSpan);
            }
        }
        _onDue();
    }

    /// <summary>An interval after the last one; the hub may have changed it in between.</summary>
    private void SetNext()
    {
        if (_beating)
        {
            TimeSpan left = _interval - _time.GetElapsedTime(_lastSentAt);
            _ = _timer.Change(left > TimeSpan.Zero ? left : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        }
    }
}

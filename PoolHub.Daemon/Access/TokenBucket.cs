namespace PoolHub.Daemon.Access;

/// <summary>So many a second, and at once twice as many. It has no timer: the clock is asked when somebody takes.</summary>
internal sealed class TokenBucket
{
    private readonly Lock _gate = new();
    private readonly TimeProvider _time;
    private int _perSec;
    private double _tokens;
    private long _filledAt;

    /// <param name="perSec">0: no limit.</param>
    /// <param name="time">Its clock.</param>
    public TokenBucket(int perSec, TimeProvider time)
    {
        _time = time;
        PerSec = perSec;
    }

    /// <summary>Where it was 0 before, the bucket is full; where it falls, what is above the new burst is lost.</summary>
    public int PerSec
    {
        get => Volatile.Read(ref _perSec);
        set
        {
            lock (_gate)
            {
                Fill();
                _tokens = _perSec == 0 ? BurstOf(value) : Math.Min(_tokens, BurstOf(value));
                Volatile.Write(ref _perSec, value);
            }
        }
    }

    /// <summary>The most that can be taken at once; without a limit no bound at all.</summary>
    public int Burst => PerSec is > 0 and var perSec ? BurstOf(perSec) : int.MaxValue;

    /// <summary>Takes all of them, or none. Null when they were taken, else how long it will be until there are so many.</summary>
    /// <param name="count">At most <see cref="Burst"/>: there are never more.</param>
    public TimeSpan? Take(int count)
    {
        if (PerSec == 0)
        {
            return null;
        }
        lock (_gate)
        {
            Fill();
            // Looked at once more: a reload may just have set it to 0.
            if (_perSec == 0)
            {
                return null;
            }
            if (_tokens < count)
            {
                return TimeSpan.FromSeconds((count - _tokens) / _perSec);
            }
            _tokens -= count;
            return null;
        }
    }

    private void Fill()
    {
        long now = _time.GetTimestamp();
        _tokens = Math.Min(BurstOf(_perSec), _tokens + ((double)(now - _filledAt) / _time.TimestampFrequency * _perSec));
        _filledAt = now;
    }

    private static int BurstOf(int perSec) => 2 * perSec;
}

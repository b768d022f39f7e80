namespace PoolHub.Daemon.Access;

/// <summary>
/// Who has failed, and who is banned for it. A ban ends by itself; the next one is twice as long. Whoever has
/// not failed for a while is forgotten, and where there are too many, the one whose last failure is the oldest.
/// </summary>
/// <param name="window">So much after the first that is counted, counting begins anew.</param>
/// <param name="time">The hub's clock.</param>
internal sealed class FailureBans<T>(TimeSpan window, TimeProvider time)
    where T : notnull
{
    public static readonly TimeSpan FirstBan = TimeSpan.FromSeconds(30);
    public static readonly TimeSpan LongestBan = TimeSpan.FromHours(1);

    /// <summary>For so long after its end a ban still makes the next one longer.</summary>
    public static readonly TimeSpan Memory = TimeSpan.FromHours(6);

    private const int Capacity = 65_536;

    private readonly Lock _gate = new();
    private readonly Dictionary<T, LinkedListNode<Entry>> _entries = [];
    private readonly LinkedList<Entry> _byLastFailure = new();

    /// <summary>How long it is banned for from now on; null when it is not.</summary>
    public TimeSpan? BannedFor(T who)
    {
        lock (_gate)
        {
            return _entries.TryGetValue(who, out LinkedListNode<Entry>? node) ? Left(node.Value) : null;
        }
    }

    /// <summary>
    /// Counts a failure, but none during a ban. The length of the ban that it brought and how many failures did; null when it
    /// brought none.
    /// </summary>
    /// <param name="who">Who has failed.</param>
    /// <param name="limit">So many failures bring a ban.</param>
    /// <param name="again">So many bring the next ones; null: as many.</param>
    public (TimeSpan Length, int Failures)? Failed(T who, int limit, int? again = null)
    {
        long now = time.GetTimestamp();
        lock (_gate)
        {
            Forget(now);
            if (!_entries.TryGetValue(who, out LinkedListNode<Entry>? node))
            {
                node = new LinkedListNode<Entry>(new Entry(who));
                _entries[who] = node;
            }
            else if (Left(node.Value) is not null)
            {
                return null;
            }
            else
            {
                _byLastFailure.Remove(node);
            }
            _byLastFailure.AddLast(node);
            Entry entry = node.Value;
            (entry.Failures, entry.Since) = entry.Failures > 0 && time.GetElapsedTime(entry.Since, now) < window
                ? (entry.Failures + 1, entry.Since)
                : (1, now);
            entry.FailedAt = now;
            if (entry.Failures < (entry.Bans == 0 ? limit : again ?? limit))
            {
                return null;
            }
            TimeSpan ban = FirstBan * Math.Pow(2, Math.Min(entry.Bans, 16));
            ban = ban < LongestBan ? ban : LongestBan;
            int failures = entry.Failures;
            (entry.Failures, entry.Bans) = (0, entry.Bans + 1);
            entry.BannedUntil = now + (long)(ban.TotalSeconds * time.TimestampFrequency);
            return (ban, failures);
        }
    }

    public IReadOnlyList<(T Who, TimeSpan Left, int Bans)> Banned()
    {
        lock (_gate)
        {
            return [.. _byLastFailure.Where(e => Left(e) is not null).Select(e => (e.Who, Left(e)!.Value, e.Bans))];
        }
    }

    /// <summary>Those who are banned now, at most so many; who has failed last comes first.</summary>
    public IReadOnlyList<T> LastBanned(int most)
    {
        long now = time.GetTimestamp();
        List<T> last = [];
        lock (_gate)
        {
            for (LinkedListNode<Entry>? node = _byLastFailure.Last; node is not null && last.Count < most; node = node.Previous)
            {
                if (node.Value.BannedUntil > now)
                {
                    last.Add(node.Value.Who);
                }
            }
        }
        return last;
    }

    public int BannedCount
    {
        get
        {
            lock (_gate)
            {
                return _byLastFailure.Count(e => Left(e) is not null);
            }
        }
    }

    /// <summary>Forgets what it has failed, and ends its ban. False when it has none.</summary>
    public bool Lift(T who)
    {
        lock (_gate)
        {
            if (!_entries.Remove(who, out LinkedListNode<Entry>? node))
            {
                return false;
            }
            _byLastFailure.Remove(node);
            return Left(node.Value) is not null;
        }
    }

    /// <summary>Ends every ban and forgets every failure.</summary>
    public void Clear()
    {
        lock (_gate)
        {
            _entries.Clear();
            _byLastFailure.Clear();
        }
    }

    private TimeSpan? Left(Entry entry) =>
        time.GetElapsedTime(time.GetTimestamp(), entry.BannedUntil) is { Ticks: > 0 } left && entry.BannedUntil != 0 ? left : null;

    private void Forget(long now)
    {
        while (_byLastFailure.First is { } oldest
            && (_entries.Count >= Capacity || time.GetElapsedTime(Math.Max(oldest.Value.FailedAt, oldest.Value.BannedUntil), now) >= Memory))
        {
            _byLastFailure.RemoveFirst();
            _ = _entries.Remove(oldest.Value.Who);
        }
    }

    private sealed class Entry(T who)
    {
        public T Who => who;
        public int Failures { get; set; }

        /// <summary>Timestamp of the first of them.</summary>
        public long Since { get; set; }

        /// <summary>Timestamp of the last.</summary>
        public long FailedAt { get; set; }

        /// <summary>How many bans it has had.</summary>
        public int Bans { get; set; }

        /// <summary>Timestamp; zero when it was never banned.</summary>
        public long BannedUntil { get; set; }
    }
}

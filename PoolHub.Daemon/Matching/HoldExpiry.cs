namespace PoolHub.Daemon.Matching;

/// <summary>The live holds in the order in which they expire. Written under the book's lock.</summary>
internal sealed class HoldExpiry(TimeProvider time)
{
    private readonly SortedSet<Hold> _holds = new(Comparer<Hold>.Create(static (a, b) =>
        a.ExpiresAt != b.ExpiresAt ? a.ExpiresAt.CompareTo(b.ExpiresAt) : a.Number.CompareTo(b.Number)));
    private long _nextAt = long.MaxValue;

    /// <summary>Whether there is one that should have ended; may be read without the lock.</summary>
    public bool IsDue => Volatile.Read(ref _nextAt) <= time.GetTimestamp();

    public int Count => _holds.Count;

    /// <summary>Whether it should have ended.</summary>
    public bool IsOver(Hold hold) => hold.ExpiresAt <= time.GetTimestamp();

    public int LeftMs(Hold hold) => (int)((hold.ExpiresAt - time.GetTimestamp()) * 1_000 / time.TimestampFrequency);

    /// <summary>The next that is due, or null.</summary>
    public Hold? Due() => IsDue ? _holds.Min : null;

    /// <summary>Enters a hold, or one that has been entered anew, for so long from now.</summary>
    public void Put(Hold hold, int lastsMs)
    {
        _holds.Remove(hold);
        hold.ExpiresAt = time.GetTimestamp() + (lastsMs * time.TimestampFrequency / 1_000);
        _holds.Add(hold);
        NoteNext();
    }

    public void Remove(Hold hold)
    {
        _holds.Remove(hold);
        NoteNext();
    }

    private void NoteNext() => Volatile.Write(ref _nextAt, _holds.Min?.ExpiresAt ?? long.MaxValue);
}

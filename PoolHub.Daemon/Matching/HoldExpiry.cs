namespace PoolHub.Daemon.Matching;

/// <summary>The live holds in the order in which they expire. Written under the book's lock.</summary>
internal sealed class HoldExpiry
{
    private readonly SortedSet<Hold> _holds = new(Comparer<Hold>.Create(static (a, b) =>
        a.ExpiresAt != b.ExpiresAt ? a.ExpiresAt.CompareTo(b.ExpiresAt) : a.Number.CompareTo(b.Number)));
    private long _nextAt = long.MaxValue;

    /// <summary>When the next one expires; may be read without the lock.</summary>
    public long NextAt => Volatile.Read(ref _nextAt);

    public int Count => _holds.Count;

    /// <summary>The next that is due, or null.</summary>
    public Hold? Due(long now) => NextAt <= now ? _holds.Min : null;

    /// <summary>Enters a hold, or moves one that has been entered.</summary>
    public void Put(Hold hold, long expiresAt)
    {
        _holds.Remove(hold);
        hold.ExpiresAt = expiresAt;
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

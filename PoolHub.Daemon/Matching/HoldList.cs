namespace PoolHub.Daemon.Matching;

/// <summary>Holds in the order in which they were made. Written under the book's lock.</summary>
internal sealed class HoldList
{
    private static readonly Comparer<(long Number, Hold? Hold)> s_byNumber =
        Comparer<(long Number, Hold? Hold)>.Create(static (a, b) => a.Number.CompareTo(b.Number));

    private readonly SortedSet<(long Number, Hold? Hold)> _holds = new(s_byNumber);

    public int Count => _holds.Count;

    public IEnumerable<Hold> All => _holds.Select(entry => entry.Hold!);

    public IEnumerable<Hold> LatestFirst => _holds.Reverse().Select(entry => entry.Hold!);

    /// <summary>Those that were made after the one of this number; found without a walk.</summary>
    public IEnumerable<Hold> After(long number) =>
        _holds.GetViewBetween((number + 1, null), (long.MaxValue, null)).Select(entry => entry.Hold!);

    public void Add(Hold hold) => _holds.Add((hold.Number, hold));

    public void Remove(Hold hold) => _holds.Remove((hold.Number, null));
}

/// <summary>A list for each key that has anything.</summary>
internal sealed class KeyedHolds<TKey>
    where TKey : notnull
{
    private static readonly HoldList s_none = new();

    private readonly Dictionary<TKey, HoldList> _lists = [];

    public HoldList Of(TKey key) => _lists.GetValueOrDefault(key, s_none);

    public void Add(TKey key, Hold hold)
    {
        if (!_lists.TryGetValue(key, out HoldList? list))
        {
            _lists[key] = list = new HoldList();
        }
        list.Add(hold);
    }

    public void Remove(TKey key, Hold hold)
    {
        HoldList list = _lists[key];
        list.Remove(hold);
        if (list.Count == 0)
        {
            _lists.Remove(key);
        }
    }

    public IEnumerable<TKey> Keys => _lists.Keys;
}

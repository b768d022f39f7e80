namespace PoolHub.Daemon.Matching;

/// <summary>A set for each key that has anything.</summary>
internal sealed class KeyedSets<T>
{
    private static readonly HashSet<T> s_none = [];

    private readonly Dictionary<string, HashSet<T>> _sets = new(StringComparer.Ordinal);

    public IReadOnlyCollection<T> Of(string key) => _sets.GetValueOrDefault(key, s_none);

    public void Add(string key, T item)
    {
        if (!_sets.TryGetValue(key, out HashSet<T>? set))
        {
            _sets[key] = set = [];
        }
        set.Add(item);
    }

    public void Remove(string key, T item)
    {
        HashSet<T> set = _sets[key];
        set.Remove(item);
        if (set.Count == 0)
        {
            _sets.Remove(key);
        }
    }
}

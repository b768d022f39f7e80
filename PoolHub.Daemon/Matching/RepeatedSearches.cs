namespace PoolHub.Daemon.Matching;

/// <summary>
/// The searches that one thread repeats. A query enters when it comes twice before another one that has the same place, so
/// that those which come once only put nobody out and cost nothing.
/// </summary>
internal sealed class RepeatedSearches
{
    private const int Places = 32;

    private readonly RepeatedSearch?[] _searches = new RepeatedSearch?[Places];

    /// <summary>What was asked last at each place.</summary>
    private readonly int[] _lastHashes = new int[Places];

    /// <summary>Where everything was found.</summary>
    private IndexSearch? _index;

    /// <summary>Null when the query was not asked lately.</summary>
    /// <param name="query">The query.</param>
    /// <param name="index">Where it is asked; what was asked elsewhere is forgotten.</param>
    public RepeatedSearch? Find(MatchQuery query, IndexSearch? index)
    {
        if (_index != index)
        {
            _index = index;
            Array.Clear(_searches);
        }
        if (!RepeatedSearch.Suits(query))
        {
            return null;
        }
        int hash = RepeatedSearch.HashOf(query);
        int place = hash & (Places - 1);
        bool again = _lastHashes[place] == hash;
        _lastHashes[place] = hash;
        RepeatedSearch? search = _searches[place];
        if (search?.Is(query) == true)
        {
            return search;
        }
        if (!again)
        {
            return null;
        }
        search = _searches[place] ??= new RepeatedSearch();
        search.Begin(query);
        return search;
    }
}

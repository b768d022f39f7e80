namespace PoolHub.Daemon.Registry;

/// <summary>
/// Every known miner by its id, read without a lock. The id stands in the miner itself: a place in one array is all that
/// a miner costs here, where a dictionary would take an object of its own for each.
/// </summary>
internal sealed class MinerTable
{
    /// <summary>The place of one that was removed: searches go on beyond it.</summary>
    private static readonly Miner s_removed = new("");

    private readonly Lock _writer = new();

    /// <summary>Each miner stands at the place of its id's hash, or at the next that was free.</summary>
    private Miner?[] _places = new Miner?[64];
    private int _taken;
    private int _count;

    public int Count => Volatile.Read(ref _count);

    /// <summary>All of them, in no order; of those that come or go meanwhile, some.</summary>
    public IEnumerable<Miner> All => Volatile.Read(ref _places).Where(miner => miner is not null && miner != s_removed)!;

    /// <summary>Null when the id is unknown.</summary>
    public Miner? Find(string id)
    {
        PlaceOf(id, Volatile.Read(ref _places), out Miner? miner);
        return miner;
    }

    public Miner FindOrAdd(string id)
    {
        if (Find(id) is { } known)
        {
            return known;
        }
        lock (_writer)
        {
            return Find(id) ?? Put(new Miner(id));
        }
    }

    /// <param name="miner">One whose id is not known yet.</param>
    public void Add(Miner miner)
    {
        lock (_writer)
        {
            Put(miner);
        }
    }

    /// <summary>Does nothing when it is not in here.</summary>
    public void Remove(Miner miner)
    {
        lock (_writer)
        {
            int place = PlaceOf(miner.Id, _places, out Miner? known);
            if (known == miner)
            {
                Volatile.Write(ref _places[place], s_removed);
                Volatile.Write(ref _count, _count - 1);
            }
        }
    }

    private Miner Put(Miner miner)
    {
        // At most three quarters are taken: a search ends after a few places.
        if (4 * (_taken + 1) > 3 * _places.Length)
        {
            Grow();
        }
        Volatile.Write(ref _places[PlaceOf(miner.Id, _places, out _)], miner);
        Volatile.Write(ref _count, _count + 1);
        _taken++;
        return miner;
    }

    private void Grow()
    {
        var places = new Miner?[Math.Max(64, 2 * _count)];
        foreach (Miner miner in All)
        {
            places[PlaceOf(miner.Id, places, out _)] = miner;
        }
        _taken = _count;
        Volatile.Write(ref _places, places);
    }

    /// <summary>Where the miner stands, or the free place where it would.</summary>
    private static int PlaceOf(string id, Miner?[] places, out Miner? found)
    {
        uint hash = (uint)id.GetHashCode(StringComparison.Ordinal);
        int place = (int)(((ulong)hash * (uint)places.Length) >> 32);
        while ((found = Volatile.Read(ref places[place])) is not null && (found == s_removed || found.Id != id))
        {
            place = place + 1 == places.Length ? 0 : place + 1;
        }
        return place;
    }
}

namespace PoolHub.Daemon.Matching;

/// <summary>
/// Hands out slots, and gives miners that are alike the same segments: a match then passes over whole segments of
/// regions that it does not ask for, and of prices that all pass or cannot win. Which slot a miner has changes what a
/// match costs, never what it answers.
/// <para>
/// Heartbeats write their columns by slot number and without a lock, so one that is under way while its miner is removed
/// may land after the removal. It does no harm on an empty slot, but would on the slot's next miner. So a freed slot
/// rests until at least 1,024 others were freed after it and 60 seconds have passed: far longer than a heartbeat takes.
/// Only an index at its limit takes a slot back earlier, the longest rested first.
/// </para>
/// </summary>
internal sealed class Slots(TimeProvider time, int limit)
{
    public const int MinResting = 1_024;
    public static readonly TimeSpan MinRest = TimeSpan.FromSeconds(60);

    /// <summary>Into how many classes a large region's miners are parted by price.</summary>
    public const int PriceClasses = 8;

    /// <summary>So many that are alike get segments of their own; fewer would leave them too empty.</summary>
    private const int OwnSegments = Segment.Size / 2;

    private readonly Queue<(int Slot, long FreedAt)> _resting = new();
    private readonly Home _shared = new();
    private readonly Dictionary<(string Region, int PriceClass), Home> _homes = [];

    /// <summary>By segment.</summary>
    private readonly List<Home> _homeOf = [];
    private int _used;

    /// <summary>Slots for miners that are alike.</summary>
    private sealed class Home
    {
        /// <summary>Used before, and rested.</summary>
        public Queue<int> Free { get; } = new();

        /// <summary>What is left of the newest segment.</summary>
        public int Next { get; set; }
        public int End { get; set; }
    }

    /// <param name="region">The miner's region.</param>
    /// <param name="neighbours">How many miners it has.</param>
    /// <param name="priceClass">From 0 to <see cref="PriceClasses"/> − 1, the cheapest first.</param>
    /// <exception cref="InvalidOperationException">There are as many miners as there may be.</exception>
    public int Take(string region = "", int neighbours = 0, int priceClass = 0)
    {
        while (_resting.Count > MinResting && time.GetElapsedTime(_resting.Peek().FreedAt) >= MinRest)
        {
            int slot = _resting.Dequeue().Slot;
            _homeOf[slot >> Segment.SizeBits].Free.Enqueue(slot);
        }
        return TakeFrom(HomeOf(region, neighbours, priceClass)) ?? TakeAny();
    }

    /// <summary>Whether so many miners of one region get segments of their own.</summary>
    public static bool HasOwn(int miners) => miners >= OwnSegments;

    /// <summary>How many segments were never used.</summary>
    public int NewSegments => (limit - _used) / Segment.Size;

    /// <summary>A whole segment for miners that are alike; as many more find room in it as are left.</summary>
    /// <param name="region">The miners' region; empty when they have several.</param>
    /// <param name="neighbours">How many miners it has; 0 for several regions.</param>
    /// <param name="priceClass">As in <see cref="Take"/>.</param>
    /// <param name="count">For how many.</param>
    /// <returns>The first slot of as many.</returns>
    public int TakeSegment(string region, int neighbours, int priceClass, int count)
    {
        Home home = HomeOf(region, neighbours, priceClass);
        int first = _used;
        _used += Segment.Size;
        _homeOf.Add(home);
        for (int slot = first + count; slot < _used; slot++)
        {
            home.Free.Enqueue(slot);
        }
        return first;
    }

    public InvalidOperationException Full() => new($"the index is full: it holds {limit} miners");

    public void Free(int slot) => _resting.Enqueue((slot, time.GetTimestamp()));

    private Home HomeOf(string region, int neighbours, int priceClass)
    {
        if (!HasOwn(neighbours))
        {
            return _shared;
        }
        if (neighbours < OwnSegments * PriceClasses)
        {
            priceClass = -1;
        }
        if (!_homes.TryGetValue((region, priceClass), out Home? home))
        {
            home = new Home();
            _homes.Add((region, priceClass), home);
        }
        return home;
    }

    private int? TakeFrom(Home home)
    {
        if (home.Free.TryDequeue(out int slot))
        {
            return slot;
        }
        if (home.Next == home.End && _used < limit)
        {
            (home.Next, home.End) = (_used, Math.Min(_used + Segment.Size, limit));
            _used = home.End;
            _homeOf.Add(home);
        }
        return home.Next < home.End ? home.Next++ : null;
    }

    private int TakeAny()
    {
        foreach (Home home in _homes.Values.Prepend(_shared))
        {
            if (TakeFrom(home) is { } slot)
            {
                return slot;
            }
        }
        return _resting.TryDequeue(out (int Slot, long FreedAt) oldest)
            ? oldest.Slot
            : throw Full();
    }
}

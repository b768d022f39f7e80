namespace PoolHub.Daemon.Matching;

/// <summary>
/// Many miners that come into the index at once, as at a start. They are sorted by region and price, so that those of a
/// segment are alike, and all that is touched to fill a segment stays in the processor's cache; each processor fills one
/// segment after the other. Nobody reads a segment before all are filled. Used once, under the index's lock.
/// </summary>
internal sealed class FleetFill(Newcomer[] miners, SegmentTable table, Slots slots, TermCatalogue terms, LatencyRanks latency)
{
    // A key is the number of a miner's region, the rank of its price, and its own number among the newcomers.
    private const int NumberBits = 22;
    private const int RankBits = 12;
    private const ulong NumberMask = (1UL << NumberBits) - 1;

    /// <summary>So many miners are fetched from memory together.</summary>
    private const int Together = 64;

    private readonly int[] _slotOf = new int[miners.Length];
    private readonly int[] _regionOf = new int[miners.Length];
    private readonly Dictionary<string, Region> _regions = new(StringComparer.Ordinal);
    private readonly List<Cut> _cuts = [];
    private ulong[] _keys = new ulong[miners.Length];
    private ulong[] _sorted = new ulong[miners.Length];

    /// <summary>Keeps what was looked at from being optimised away.</summary>
    private int _seen;
    private int _next = -1;

    private sealed class Region(string name, int number, RegionLatency latency)
    {
        public string Name => name;
        public int Number => number;
        public RegionLatency Latency => latency;

        /// <summary>How many of the newcomers are in it.</summary>
        public int Miners { get; set; }
    }

    /// <summary>What goes into one segment: so many keys from one on.</summary>
    private readonly record struct Cut(int Index, int From, int Count);

    /// <param name="changes">Profiles and prices set so far, ever, with these.</param>
    /// <returns>The miners' slots, in their order.</returns>
    /// <exception cref="InvalidOperationException">There are more than the index has room for.</exception>
    public int[] Run(int changes)
    {
        if (SegmentsFor(miners.Length) > slots.NewSegments)
        {
            throw slots.Full();
        }
        Segment[] before = table.All;
        if (miners.Length > before.Sum(segment => segment.Count))
        {
            table.Refresh.ChooseSteps(miners, changes);
        }
        Array.ForEach(before, LatencyRanks.Count);
        Parallel.Invoke(RankPrices, CountRegions);
        latency.Publish();
        SortByRank();
        MakeCuts(SortByRegion());
        Segment[] segments = table.Reserve(_cuts.Count);
        Parallel.For(0, Math.Min(Environment.ProcessorCount, _cuts.Count), _ => Fill(segments));
        terms.Gather(before.Length);
        table.Publish(segments);
        Array.ForEach(before, table.Refresh.Run);
        return _slotOf;
    }

    private static int RankOf(ulong key) => (int)(key >> NumberBits) & ((1 << RankBits) - 1);

    private static int RegionOf(ulong key) => (int)(key >> (RankBits + NumberBits));

    /// <summary>The keys without their regions, which another thread finds meanwhile.</summary>
    private void RankPrices()
    {
        Steps<long> prices = table.Refresh.Price.Current;
        for (int i = 0; i < miners.Length; i++)
        {
            _keys[i] = ((ulong)prices.Rank(miners[i].Price.E8) << NumberBits) | (uint)i;
        }
    }

    private void CountRegions()
    {
        for (int i = 0; i < miners.Length; i++)
        {
            if (i % Together == 0)
            {
                LookAt(miners.AsSpan(i, Math.Min(Together, miners.Length - i)));
            }
            ref readonly Newcomer miner = ref miners[i];
            string name = miner.Profile.Region;
            if (!_regions.TryGetValue(name, out Region? region))
            {
                region = new Region(name, _regions.Count, latency.Of(name));
                _regions.Add(name, region);
            }
            region.Miners++;
            region.Latency.Miners++;
            if (miner.RttMs >= 0)
            {
                region.Latency.Count(miner.RttMs);
            }
            _regionOf[i] = region.Number;
        }
    }

    /// <summary>And puts the regions into the keys.</summary>
    private void SortByRank()
    {
        int[] places = new int[1 << RankBits];
        foreach (ulong key in _keys)
        {
            places[RankOf(key)]++;
        }
        int from = 0;
        foreach (ref int place in places.AsSpan())
        {
            (place, from) = (from, from + place);
        }
        for (int i = 0; i < _keys.Length; i++)
        {
            _sorted[places[RankOf(_keys[i])]++] = _keys[i] | ((ulong)_regionOf[i] << (RankBits + NumberBits));
        }
        (_keys, _sorted) = (_sorted, _keys);
    }

    /// <summary>Keeps the order within each region.</summary>
    /// <returns>The regions in their order: first the small ones, which share segments.</returns>
    private Region[] SortByRegion()
    {
        Region[] regions = [.. _regions.Values.OrderBy(region => Slots.HasOwn(region.Miners))];
        int[] places = new int[regions.Length];
        int from = 0;
        foreach (Region region in regions)
        {
            places[region.Number] = from;
            from += region.Miners;
        }
        foreach (ulong key in _keys)
        {
            _sorted[places[RegionOf(key)]++] = key;
        }
        (_keys, _sorted) = (_sorted, _keys);
        return regions;
    }

    private void MakeCuts(Region[] regions)
    {
        Region[] large = [.. regions.Where(region => Slots.HasOwn(region.Miners))];
        int small = miners.Length - large.Sum(region => region.Miners);
        if (SegmentsFor(small) + large.Sum(region => SegmentsFor(region.Miners)) > slots.NewSegments)
        {
            (small, large) = (miners.Length, []);
        }
        MakeCuts(0, small, region: null);
        int from = small;
        foreach (Region region in large)
        {
            MakeCuts(from, region.Miners, region);
            from += region.Miners;
        }
    }

    /// <summary>Equal parts, so that each segment has room for a few more miners of its kind.</summary>
    private void MakeCuts(int from, int count, Region? region)
    {
        int parts = SegmentsFor(count);
        for (int i = 0; i < parts; i++)
        {
            int begin = from + (int)((long)count * i / parts);
            int end = from + (int)((long)count * (i + 1) / parts);
            int part = table.Refresh.Price.Current.Part(PriceAt(begin), Slots.PriceClasses);
            int first = slots.TakeSegment(region?.Name ?? "", region?.Miners ?? 0, part, end - begin);
            _cuts.Add(new Cut(first >> Segment.SizeBits, begin, end - begin));
        }
    }

    private static int SegmentsFor(int count) => (count + Segment.Size - 1) / Segment.Size;

    private long PriceAt(int place) => miners[(int)(_keys[place] & NumberMask)].Price.E8;

    private void Fill(Segment[] segments)
    {
        var fill = new SegmentFill(terms, latency);
        for (int i = Interlocked.Increment(ref _next); i < segments.Length; i = Interlocked.Increment(ref _next))
        {
            (int index, int from, int count) = _cuts[i];
            table.Open(segments[i], index);
            for (int offset = 0; offset < count; offset++)
            {
                if (offset % Together == 0)
                {
                    LookAt(from + offset, Math.Min(Together, count - offset));
                }
                int number = (int)(_keys[from + offset] & NumberMask);
                fill.Put(segments[i], offset, in miners[number], RankOf(_keys[from + offset]));
                _slotOf[number] = (index << Segment.SizeBits) | offset;
            }
            fill.Complete(segments[i], count);
        }
    }

    /// <summary>Touches miners before they are read one after the other: so all wait for memory together.</summary>
    private void LookAt(ReadOnlySpan<Newcomer> some)
    {
        int seen = 0;
        foreach (ref readonly Newcomer miner in some)
        {
            seen += miner.Profile.MaxParallel;
        }
        _seen = seen;
    }

    private void LookAt(int from, int count)
    {
        int seen = 0;
        foreach (ulong key in _keys.AsSpan(from, count))
        {
            seen += miners[(int)(key & NumberMask)].Profile.MaxParallel;
        }
        foreach (ulong key in _keys.AsSpan(from, count))
        {
            ref readonly Newcomer miner = ref miners[(int)(key & NumberMask)];
            seen += miner.MinerId.Length + miner.Profile.Tags.Length + miner.Profile.Capabilities.Length;
        }
        _seen = seen;
    }
}

using PoolHub.Protocol;

namespace PoolHub.Daemon.Matching;

/// <summary>
/// Every miner that can be offered, in columns, and the search over them.
/// <para>
/// What registration-like calls write is guarded by one lock and, per segment, by a version: a match that saw a segment
/// change reads it again, so that no answer mixes two states of a miner. Heartbeats write their columns with neither.
/// Calls on a slot that was removed meanwhile do nothing. The index does not know miner ids apart: adding one twice
/// offers it twice, and the caller keeps that from happening.
/// </para>
/// </summary>
internal sealed class MatchIndex
{
    public const int DefaultLimit = 4_194_304;

    private readonly Lock _writer = new();
    private readonly Slots _slots;
    private readonly TermCatalogue _terms = new();
    private readonly LatencyRanks _latency = new();
    private readonly SegmentTable _segments = new();
    private readonly IndexSearch _search;
    private int _count;
    private int _changes;
    private long _parallel;

    /// <param name="time">Measures how long freed slots rest.</param>
    /// <param name="limit">How many miners it takes at most; <see cref="Add"/> throws beyond.</param>
    public MatchIndex(TimeProvider time, int limit = DefaultLimit)
    {
        _slots = new Slots(time, limit);
        _search = new IndexSearch(_segments, _terms, _writer);
        Held = new HeldSlots(_writer, _segments.Of);
    }

    public int Count => Volatile.Read(ref _count);

    /// <summary>How many jobs all miners run at once, together: the slots of the fleet.</summary>
    public long Parallel => Volatile.Read(ref _parallel);

    /// <summary>Finds a miner's slot by its id, -1 when it has none: the index itself does not look for ids.</summary>
    public Func<string, int> SlotOf { get; set; } = _ => -1;

    /// <summary>How many segments there are to read; some may be empty.</summary>
    public int SegmentCount => _segments.All.Length;

    /// <summary>What prices are measured against where a request names no ceiling.</summary>
    public long DearestE8 => _segments.DearestE8;

    /// <summary>How many slots of each miner are held; they count as load.</summary>
    public HeldSlots Held { get; }

    /// <summary>Adds a miner, its round trip and service time unknown.</summary>
    /// <param name="price">The live price; that of the profile when null.</param>
    /// <param name="held">How many slots are held of a miner that only moves.</param>
    /// <returns>Its slot.</returns>
    public int Add(
        string minerId, MinerProfile profile, bool degraded, bool available, double trust, int load = 0, TokenPrice? price = null, int held = 0)
    {
        Scoring.CheckTrust(trust);
        lock (_writer)
        {
            int priceClass = _segments.Refresh.Price.Current.Part((price ?? profile.Price).E8, Slots.PriceClasses);
            int slot = _slots.Take(profile.Region, _latency.Miners(profile.Region), priceClass);
            Segment segment = _segments.OrNew(slot);
            int offset = slot & Segment.Mask;
            Offer offer = _terms.Acquire(minerId, profile);
            segment.BeginWrite();
            ref SlotFigures figures = ref segment.Figures(offset);
            (figures.Load, figures.Held, figures.RttMs, figures.ServiceMs) = (load, held, -1, -1);
            figures.IdHash = StableHash.Of(minerId);
            segment.SetTrust(offset, trust);
            segment.SetAvailable(offset, available);
            Segment.SetBit(segment.Degraded, offset, degraded);
            segment.Put(offset, offer, _latency.Enter(offer.Profile.Region));
            segment.SetPrice(offset, (price ?? profile.Price).E8);
            _terms.Enter(slot);
            segment.EndWrite();
            CountMiners(1, profile.MaxParallel);
            CountChange(segment);
            return slot;
        }
    }

    /// <summary>Adds many miners, as <see cref="FleetFill"/> tells, and does what a refresh does.</summary>
    /// <returns>Their slots, in their order.</returns>
    public int[] AddAll(Newcomer[] miners)
    {
        Array.ForEach(miners, miner => Scoring.CheckTrust(miner.Trust));
        lock (_writer)
        {
            _changes += miners.Length;
            int[] slots = new FleetFill(miners, _segments, _slots, _terms, _latency).Run(_changes);
            CountMiners(miners.Length, miners.Sum(miner => (long)miner.Profile.MaxParallel));
            return slots;
        }
    }

    /// <summary>The miner's profile as the index keeps it, its texts shared with all who say the same.</summary>
    public MinerProfile? ProfileAt(int slot) => Held.OfferAt(slot)?.Profile;

    /// <summary>Gives the miner another profile; trust, flags and what heartbeats said stay.</summary>
    /// <param name="price">The live price; that of the profile when null.</param>
    public void Replace(int slot, MinerProfile profile, TokenPrice? price = null)
    {
        lock (_writer)
        {
            if (!_segments.TryFind(slot, out Segment segment, out int offset))
            {
                return;
            }
            Offer old = segment.Offers[offset]!;
            // The new terms first: one in both is then never without a user, and stays the one that queries hold.
            Offer offer = _terms.Acquire(old.MinerId, profile);
            segment.BeginWrite();
            _terms.Leave(old, slot);
            LatencyRanks.Leave(segment.Region[offset]!);
            segment.Put(offset, offer, _latency.Enter(offer.Profile.Region));
            segment.SetPrice(offset, (price ?? profile.Price).E8);
            _terms.Enter(slot);
            segment.EndWrite();
            _terms.Release();
            CountMiners(0, profile.MaxParallel - old.Profile.MaxParallel);
            CountChange(segment);
        }
    }

    public void Remove(int slot)
    {
        lock (_writer)
        {
            if (!_segments.TryFind(slot, out Segment segment, out int offset))
            {
                return;
            }
            Offer offer = segment.Offers[offset]!;
            segment.BeginWrite();
            _terms.Leave(offer, slot);
            LatencyRanks.Leave(segment.Region[offset]!);
            segment.Clear(offset);
            segment.EndWrite();
            _terms.Release();
            _slots.Free(slot);
            CountMiners(-1, -offer.Profile.MaxParallel);
            CountChange(segment);
        }
    }

    public void SetPrice(int slot, TokenPrice price)
    {
        lock (_writer)
        {
            if (_segments.TryFind(slot, out Segment segment, out int offset))
            {
                segment.BeginWrite();
                segment.SetPrice(offset, price.E8);
                segment.EndWrite();
                CountChange(segment);
            }
        }
    }

    public void SetTrust(int slot, double trust)
    {
        Scoring.CheckTrust(trust);
        lock (_writer)
        {
            if (_segments.TryFind(slot, out Segment segment, out int offset))
            {
                segment.BeginWrite();
                segment.SetTrust(offset, trust);
                segment.EndWrite();
            }
        }
    }

    /// <param name="slot">The miner's slot.</param>
    /// <param name="available">False while it drains or is ejected.</param>
    public void SetAvailable(int slot, bool available)
    {
        lock (_writer)
        {
            if (_segments.TryFind(slot, out Segment segment, out int offset))
            {
                segment.BeginWrite();
                segment.SetAvailable(offset, available);
                segment.EndWrite();
            }
        }
    }

    public void SetDegraded(int slot, bool degraded)
    {
        lock (_writer)
        {
            if (_segments.TryFind(slot, out Segment segment, out int offset))
            {
                segment.BeginWrite();
                Segment.SetBit(segment.Degraded, offset, degraded);
                segment.EndWrite();
            }
        }
    }

    /// <param name="slot">The miner's slot.</param>
    /// <param name="load">Jobs that run or wait.</param>
    public void SetLoad(int slot, int load)
    {
        if (IsNew(ref FiguresOf(slot).Load, Math.Max(load, 0)))
        {
            _segments.Of(slot).SettleLoad(slot & Segment.Mask);
        }
    }

    /// <param name="slot">The miner's slot.</param>
    /// <param name="rttMs">The round trip as measured; -1 when unknown.</param>
    public void SetRtt(int slot, int rttMs)
    {
        if (IsNew(ref FiguresOf(slot).RttMs, Math.Max(rttMs, -1)))
        {
            _segments.Of(slot).Touch();
        }
    }

    /// <param name="slot">The miner's slot.</param>
    /// <param name="serviceMs">How long a job is expected to run; -1 when unknown.</param>
    public void SetServiceMs(int slot, int serviceMs)
    {
        if (IsNew(ref FiguresOf(slot).ServiceMs, Math.Max(serviceMs, -1)))
        {
            _segments.Of(slot).Touch();
        }
    }

    /// <summary>
    /// Ranks every region's round trips as they are now, and tightens what the search goes by. Called once a second by
    /// the sweep. Takes the lock segment by segment.
    /// </summary>
    public void RefreshLatencyRanks()
    {
        Segment[] segments = _segments.All;
        foreach (Segment segment in segments)
        {
            lock (_writer)
            {
                LatencyRanks.Count(segment);
            }
        }
        lock (_writer)
        {
            _latency.Publish();
            _segments.Refresh.RenewSteps(segments, _changes);
        }
        foreach (Segment segment in segments)
        {
            lock (_writer)
            {
                _segments.Refresh.Run(segment);
            }
        }
    }

    /// <summary>
    /// Finds the best candidates. Takes no lock unless writers are very busy, and allocates nothing once
    /// <paramref name="result"/> has served a query as large. Each segment is seen as it was at one moment.
    /// Latency ranks that are refreshed meanwhile may be new for some regions and old for others.
    /// </summary>
    public void Match(MatchQuery query, MatchResult result) => _search.Run(query, SlotOf, result);

    /// <summary>Copies the miners of a segment, each as it was at one moment; see <see cref="SegmentReader.Read"/>.</summary>
    public int ReadSegment(int segment, Span<MinerState> into) =>
        SegmentReader.Read(_segments.All[segment], _writer, into);

    private ref SlotFigures FiguresOf(int slot) => ref _segments.Of(slot).Figures(slot & Segment.Mask);

    private static bool IsNew(ref int figure, int value)
    {
        bool isNew = Volatile.Read(ref figure) != value;
        Volatile.Write(ref figure, value);
        return isNew;
    }

    private void CountMiners(int miners, long parallel)
    {
        Volatile.Write(ref _count, _count + miners);
        Volatile.Write(ref _parallel, _parallel + parallel);
    }

    private void CountChange(Segment segment)
    {
        _changes++;
        _segments.RenewDearest(segment);
    }
}

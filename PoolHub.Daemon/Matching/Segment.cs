using PoolHub.Protocol;

namespace PoolHub.Daemon.Matching;

/// <summary>
/// The columns of 4,096 miners. Registrations, prices, trust and flags are written under the index's lock and between
/// <see cref="BeginWrite"/> and <see cref="EndWrite"/>; what heartbeats and holds say at any time.
/// </summary>
internal sealed class Segment
{
    public const int SizeBits = 12;
    public const int Size = 1 << SizeBits;
    public const int Mask = Size - 1;
    public const int Words = Size / 64;

    /// <summary>Steps of the levels of trust and latency.</summary>
    public const int Steps = 32;

    /// <summary>How many bitsets a segment has.</summary>
    public const int BitsetCount = Flags + (2 * Steps) + SlotFigures.LoadSteps + (3 * RankedColumn<long>.BitsetCount);

    private const int Flags = 4;

    /// <summary>The price of nobody.</summary>
    private const long Nobody = -1;

    /// <summary>What <see cref="SlotFigures.ShownLevel"/> is while its bits are being moved.</summary>
    private const short Moving = -1;

    /// <summary>Odd while a write is under way.</summary>
    private int _version;

    /// <summary>Counts what heartbeats and holds wrote.</summary>
    private int _touches;
    private int _freeCount;

    private readonly SegmentStorage _storage;
    private readonly int _first;
    private readonly int _place;
    private Bitsets _bits;
    private long[] _census = [];

    // Structs, written in place: a match touches every segment, and each object apart would be one more miss.
    public RankedColumn<float> VramGb;
    public RankedColumn<float> RamGb;
    public RankedColumn<long> PriceE8;
    public Levels Trust;
    public Levels Latency;
    public Levels Load;
    public RegionLatency?[] Region = [];
    public Offer?[] Offers = [];

    /// <summary>No miner stands higher; raised at once and lowered at a refresh.</summary>
    public Peaks Peaks = new();

    /// <param name="storage">Where its columns are.</param>
    /// <param name="place">Its place in there.</param>
    public Segment(SegmentStorage storage, int place) => (_storage, _place, _first) = (storage, place, place * Size);

    /// <summary>Makes it ready for miners.</summary>
    /// <param name="index">Its place among all.</param>
    /// <param name="columns">What its ranks are made by.</param>
    /// <param name="census">Where it writes how many miners it has; see <see cref="SegmentTable.CountOf"/>.</param>
    public void Open(int index, SegmentRefresh columns, long[] census)
    {
        (Index, _census, _bits) = (index, census, _storage.BitsetsOf(_place));
        (Region, Offers) = (new RegionLatency?[Size], new Offer?[Size]);
        int next = Flags;
        Trust = new Levels(Next(ref next, Steps));
        Latency = new Levels(Next(ref next, Steps));
        Load = new Levels(Next(ref next, SlotFigures.LoadSteps));
        PriceE8 = new(_storage.PriceE8, _first, Next(ref next, RankedColumn<long>.BitsetCount), columns.Price.Current);
        VramGb = new(_storage.VramGb, _first, Next(ref next, RankedColumn<float>.BitsetCount), columns.Vram.Current);
        RamGb = new(_storage.RamGb, _first, Next(ref next, RankedColumn<float>.BitsetCount), columns.Ram.Current);
    }

    public int Index { get; private set; }

    public Span<ulong> Present => _bits[0];
    public Span<ulong> Available => _bits[1];
    public Span<ulong> Degraded => _bits[2];

    /// <summary>Miners that declare no task and so take any.</summary>
    public Span<ulong> AnyTask => _bits[3];

    /// <summary>How many miners are present.</summary>
    public int Count { get; private set; }
    public int AvailableCount { get; private set; }

    /// <summary>How many of these have a free slot.</summary>
    public int FreeCount => Math.Min(Volatile.Read(ref _freeCount), AvailableCount);

    /// <summary>The dearest price in the segment; -1 when it is empty.</summary>
    public long DearestE8 { get; private set; } = Nobody;

    public ref SlotFigures Figures(int offset) => ref _storage.Figures[_first + offset];

    /// <summary>The version above, the touches below: another one after any change, and 0 before the first.</summary>
    public long ReadStamp() => ((long)Volatile.Read(ref _version) << 32) | (uint)Volatile.Read(ref _touches);

    /// <summary>Whether no write was under way.</summary>
    public static bool IsWhole(long stamp) => ((stamp >> 32) & 1) == 0;

    /// <summary>Whether all that was read since <see cref="ReadStamp"/> belongs together.</summary>
    public bool IsUnchanged(long stamp)
    {
        // The reads of the columns must not move below the second read of the version.
        Volatile.ReadBarrier();
        return Volatile.Read(ref _version) == (int)(stamp >> 32);
    }

    /// <summary>Tells that a figure was written at any time: called after it, so that whoever saw the old one looks again.</summary>
    public void Touch() => Interlocked.Increment(ref _touches);

    /// <summary>Makes the version odd; a full fence, so that no column is written before it is.</summary>
    public void BeginWrite() => Interlocked.Increment(ref _version);

    public void EndWrite() => Interlocked.Increment(ref _version);

    public bool IsPresent(int offset) => Has(Present, offset);

    public static bool Has(ReadOnlySpan<ulong> bits, int offset) => (bits[offset >> 6] & (1UL << offset)) != 0;

    public static void SetBit(Span<ulong> bits, int offset, bool value)
    {
        ulong bit = 1UL << offset;
        bits[offset >> 6] = value ? bits[offset >> 6] | bit : bits[offset >> 6] & ~bit;
    }

    /// <summary>Puts a miner's card on a slot and copies from it what queries compare.</summary>
    public void Put(int offset, Offer offer, RegionLatency region)
    {
        MinerProfile profile = offer.Profile;
        VramGb.Set(offset, (float)profile.GpuVramGb);
        RamGb.Set(offset, (float)profile.RamGb);
        if (Region[offset] != region)
        {
            Region[offset] = region;
            SetLatencyNorm(offset, Scoring.UnknownLatencyNorm);
        }
        Offers[offset] = offer;
        SetBit(AnyTask, offset, !Array.Exists(profile.Capabilities, MatchQuery.IsTask));
        if (!IsPresent(offset))
        {
            SetBit(Present, offset, true);
            Count++;
            WriteCensus();
        }
        SetPrice(offset, profile.Price.E8);
        Volatile.Write(ref Figures(offset).MaxParallel, profile.MaxParallel);
        Peaks.Raise(profile.MaxParallel);
        SettleLoad(offset);
    }

    /// <summary>Makes a segment whole whose slots <see cref="SegmentFill"/> wrote, before anybody reads it.</summary>
    /// <param name="count">The miners are on the first slots.</param>
    public void CompleteFill(int count)
    {
        BeginWrite();
        Trust.CompleteFill(Steps);
        Latency.CompleteFill(Steps);
        Load.CompleteFill(SlotFigures.LoadSteps);
        PriceE8.CompleteFill();
        VramGb.CompleteFill();
        RamGb.CompleteFill();
        Present[..(count / 64)].Fill(ulong.MaxValue);
        if (count % 64 > 0)
        {
            Present[count / 64] = (1UL << count) - 1;
        }
        (Count, AvailableCount, DearestE8) = (count, Bitset.Count(Available), PriceE8.Most);
        _freeCount = Bitset.Count(Load.AtLeast(1));
        WriteCensus();
        EndWrite();
    }

    public void Clear(int offset)
    {
        SetBit(Present, offset, false);
        SetAvailable(offset, false);
        SetBit(Degraded, offset, false);
        SetBit(AnyTask, offset, false);
        Count--;
        WriteCensus();
        VramGb.Clear(offset);
        RamGb.Clear(offset);
        SetTrust(offset, 0);
        SetLatencyNorm(offset, 0);
        Region[offset] = null;
        Offers[offset] = null;
        bool dearest = PriceE8[offset] == DearestE8;
        PriceE8.Clear(offset);
        if (dearest)
        {
            RenewDearest();
        }
        Volatile.Write(ref Figures(offset).MaxParallel, 0);
        SettleLoad(offset);
    }

    public void SetAvailable(int offset, bool available)
    {
        if (Has(Available, offset) != available)
        {
            SetBit(Available, offset, available);
            AvailableCount += available ? 1 : -1;
            WriteCensus();
            Volatile.Write(ref Figures(offset).Available, available);
            SettleLoad(offset);
        }
    }

    public void SetTrust(int offset, double trust)
    {
        ref double current = ref Figures(offset).Trust;
        Trust.Move(offset, LevelOf(current), LevelOf(trust));
        current = trust;
        Peaks.Trust = Math.Max(Peaks.Trust, trust);
    }

    public void SetLatencyNorm(int offset, double norm)
    {
        ref double current = ref Figures(offset).LatencyNorm;
        Latency.Move(offset, LevelOf(current), LevelOf(norm));
        current = norm;
        Peaks.LatencyNorm = Math.Max(Peaks.LatencyNorm, norm);
    }

    public void SetPrice(int offset, long priceE8)
    {
        long old = PriceE8[offset];
        PriceE8.Set(offset, priceE8);
        if (priceE8 >= DearestE8)
        {
            DearestE8 = priceE8;
        }
        else if (old == DearestE8)
        {
            RenewDearest();
        }
    }

    /// <summary>
    /// Makes the bits of the load levels say what the figures say. Any thread may call it at any time: whoever finds
    /// the bits being moved leaves, since the one who moves them looks once more afterwards.
    /// </summary>
    public void SettleLoad(int offset)
    {
        ref SlotFigures figures = ref Figures(offset);
        while (true)
        {
            // What the caller wrote must be seen by whoever moves the bits now.
            Interlocked.MemoryBarrier();
            short shown = Volatile.Read(ref figures.ShownLevel);
            short level = figures.LoadLevel();
            if (shown == level || shown == Moving)
            {
                Touch();
                return;
            }
            if (Interlocked.CompareExchange(ref figures.ShownLevel, Moving, shown) == shown)
            {
                Load.MoveShared(offset, shown, level);
                Interlocked.Add(ref _freeCount, Math.Sign(level) - Math.Sign(shown));
                Volatile.Write(ref figures.ShownLevel, level);
            }
        }
    }

    /// <summary>A level, 0 to <see cref="Steps"/>, that only grows with the norm.</summary>
    public static int LevelOf(double norm) => (int)(norm * Steps);

    private void WriteCensus() => Volatile.Write(ref _census[Index], ((long)Count << 32) | (uint)AvailableCount);

    private void RenewDearest()
    {
        PriceE8.RenewBounds();
        DearestE8 = PriceE8.Most;
    }

    private Bitsets Next(ref int next, int count)
    {
        Bitsets from = _bits.From(next);
        next += count;
        return from;
    }
}

using PoolHub.Protocol;

namespace PoolHub.Daemon.Matching;

/// <summary>
/// The columns of 4,096 miners. Registrations, prices, trust and flags are written under the index's lock and between
/// <see cref="BeginWrite"/> and <see cref="EndWrite"/>; load, round trip and service time by heartbeats at any time,
/// each a single aligned word that cannot tear.
/// </summary>
internal sealed class Segment(int index)
{
    public const int SizeBits = 12;
    public const int Size = 1 << SizeBits;
    public const int Mask = Size - 1;
    public const int Words = Size / 64;

    /// <summary>The price of an empty slot: below every real one, so that it never is the dearest.</summary>
    private const long NoPrice = -1;

    /// <summary>Odd while a write is under way.</summary>
    private int _version;

    public readonly ulong[] Present = new ulong[Words];
    public readonly ulong[] Available = new ulong[Words];
    public readonly ulong[] Degraded = new ulong[Words];

    /// <summary>Miners that declare no task and so take any.</summary>
    public readonly ulong[] AnyTask = new ulong[Words];

    public readonly float[] VramGb = new float[Size];
    public readonly float[] RamGb = new float[Size];
    public readonly long[] PriceE8 = CreatePrices();
    public readonly int[] MaxParallel = new int[Size];
    public readonly double[] Trust = new double[Size];
    public readonly RegionLatency?[] Region = new RegionLatency?[Size];
    public readonly Offer?[] Offers = new Offer?[Size];

    public readonly int[] Load = new int[Size];
    public readonly int[] RttMs = new int[Size];
    public readonly int[] ServiceMs = new int[Size];

    public int Index { get; } = index;

    /// <summary>How many miners are present.</summary>
    public int Count { get; private set; }

    /// <summary>The dearest price in the segment; -1 when it is empty.</summary>
    public long DearestE8 { get; private set; } = NoPrice;

    public int ReadVersion() => Volatile.Read(ref _version);

    /// <summary>Whether all that was read since <see cref="ReadVersion"/> belongs together.</summary>
    public bool IsUnchanged(int version)
    {
        // The reads of the columns must not move below the second read of the version.
        Volatile.ReadBarrier();
        return Volatile.Read(ref _version) == version;
    }

    /// <summary>Makes the version odd; a full fence, so that no column is written before it is.</summary>
    public void BeginWrite() => Interlocked.Increment(ref _version);

    public void EndWrite() => Interlocked.Increment(ref _version);

    public bool IsPresent(int offset) => HasBit(Present, offset);

    public static bool HasBit(ulong[] bits, int offset) => (bits[offset >> 6] & (1UL << offset)) != 0;

    public static void SetBit(ulong[] bits, int offset, bool value)
    {
        ulong bit = 1UL << offset;
        bits[offset >> 6] = value ? bits[offset >> 6] | bit : bits[offset >> 6] & ~bit;
    }

    /// <summary>Puts a miner's card on a slot and copies from it what queries compare.</summary>
    public void Put(int offset, Offer offer, RegionLatency region)
    {
        MinerProfile profile = offer.Profile;
        VramGb[offset] = (float)profile.GpuVramGb;
        RamGb[offset] = (float)profile.RamGb;
        MaxParallel[offset] = profile.MaxParallel;
        Region[offset] = region;
        Offers[offset] = offer;
        SetBit(AnyTask, offset, !Array.Exists(profile.Capabilities, MatchQuery.IsTask));
        if (!IsPresent(offset))
        {
            SetBit(Present, offset, true);
            Count++;
        }
        SetPrice(offset, profile.Price.E8);
    }

    public void Clear(int offset)
    {
        SetBit(Present, offset, false);
        SetBit(Available, offset, false);
        SetBit(Degraded, offset, false);
        SetBit(AnyTask, offset, false);
        Count--;
        MaxParallel[offset] = 0;
        Region[offset] = null;
        Offers[offset] = null;
        SetPrice(offset, NoPrice);
    }

    public void SetPrice(int offset, long priceE8)
    {
        long old = PriceE8[offset];
        PriceE8[offset] = priceE8;
        if (priceE8 >= DearestE8)
        {
            DearestE8 = priceE8;
        }
        else if (old == DearestE8)
        {
            DearestE8 = Columns.Max(PriceE8);
        }
    }

    private static long[] CreatePrices()
    {
        long[] prices = new long[Size];
        Array.Fill(prices, NoPrice);
        return prices;
    }
}

using System.Globalization;

namespace PoolHub.Daemon.Matching;

/// <summary>Which part of the fleet's slots one coordinator may hold.</summary>
/// <param name="Percent">0 to 100; 100: no limit.</param>
internal readonly record struct HoldShare(int Percent)
{
    /// <summary>A part of few slots is too coarse: so many may be held of them, and one is left for others.</summary>
    private const int Few = 4;

    public static HoldShare All { get; } = new(100);

    /// <param name="slots">How many jobs all miners run at once.</param>
    /// <param name="held">How many slots the coordinator holds.</param>
    public HoldQuota Of(long slots, int held) => new(held, Percent switch
    {
        0 => 0,
        100 => int.MaxValue,
        _ => (int)Math.Min(int.MaxValue, Math.Max(((slots * Percent) + 99) / 100, Math.Max(1, Math.Min(Few, slots - 1)))),
    }, Percent);
}

/// <summary>What a coordinator holds, and what it may.</summary>
internal readonly record struct HoldQuota(int Held, int Most, int Percent)
{
    public int Left => Math.Max(0, Most - Held);

    /// <summary>For a person; nothing in it needs to be escaped.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"this coordinator holds {Held} slots and may hold {Most}, since HOLD_SHARE_PERCENT is {Percent}");
}

namespace PoolHub.Daemon.Matching;

/// <summary>For each of three digits of a number: who has more than a bound's in it, and who has at least as much.</summary>
internal readonly ref struct DigitBounds
{
    public required ReadOnlySpan<ulong> HighOver { get; init; }
    public required ReadOnlySpan<ulong> HighAt { get; init; }
    public required ReadOnlySpan<ulong> MiddleOver { get; init; }
    public required ReadOnlySpan<ulong> MiddleAt { get; init; }
    public required ReadOnlySpan<ulong> LowOver { get; init; }
    public required ReadOnlySpan<ulong> LowAt { get; init; }
}

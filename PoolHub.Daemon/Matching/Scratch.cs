namespace PoolHub.Daemon.Matching;

/// <summary>Space to work out bitsets in.</summary>
internal sealed class Scratch
{
    public ulong[] Work { get; } = new ulong[Segment.Words];
    public ulong[] Edge { get; } = new ulong[Segment.Words];
}

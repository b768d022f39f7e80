using PoolHub.Protocol;

namespace PoolHub.Benchmarks.Fleets;

/// <summary>One made-up miner: what it offers, and what the hub came to know of it.</summary>
/// <param name="RttMs">-1 when unknown.</param>
/// <param name="ServiceMs">-1 when unknown.</param>
internal sealed record FleetMiner(
    string Id, MinerProfile Profile, bool Degraded, bool Available, double Trust, int Load, int RttMs, int ServiceMs);

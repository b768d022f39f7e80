using PoolHub.Protocol;

namespace PoolHub.Daemon.Matching;

/// <summary>One of many miners that are loaded at once, with all that is known of it.</summary>
/// <param name="MinerId">Its id.</param>
/// <param name="Profile">What it offers.</param>
/// <param name="Price">The live price.</param>
/// <param name="Degraded">Whether it is.</param>
/// <param name="Available">False while it drains or is ejected.</param>
/// <param name="Trust">0 to 1.</param>
/// <param name="Load">Jobs that run or wait.</param>
/// <param name="RttMs">The round trip; -1 when unknown.</param>
/// <param name="ServiceMs">How long a job is expected to run; -1 when unknown.</param>
internal readonly record struct Newcomer(
    string MinerId, MinerProfile Profile, TokenPrice Price, bool Degraded, bool Available, double Trust, int Load, int RttMs, int ServiceMs);

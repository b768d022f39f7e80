using PoolHub.Protocol;

namespace PoolHub.Daemon.Matching;

/// <summary>
/// The card of one slot: who it is and what it offers. Immutable; a new profile is a new card. The price in
/// <see cref="Profile"/> is the one registered: the live one stands in the index and in the candidate.
/// </summary>
internal sealed class Offer(string minerId, MinerProfile profile)
{
    public string MinerId { get; } = minerId;

    /// <summary>The miner's profile with its texts shared with every other miner that says the same.</summary>
    public MinerProfile Profile { get; } = profile;
}

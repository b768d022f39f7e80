namespace PoolHub.Protocol.Client;

/// <summary>How a conversation ended.</summary>
/// <param name="Reason">The hub's reason, or this side's; <see cref="CloseReason.Dropped"/> without a goodbye.</param>
/// <param name="Refused">The field for which the hub refused the profile.</param>
/// <param name="MoveTo">Where the hub sent the miner.</param>
internal sealed record Ending(
    CloseReason Reason, string Detail = "", TimeSpan RetryAfter = default, string? Refused = null, Uri? MoveTo = null);

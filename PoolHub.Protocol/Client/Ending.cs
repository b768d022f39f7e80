namespace PoolHub.Protocol.Client;

/// <summary>How a conversation ended.</summary>
/// <param name="Reason">The hub's reason, or this side's; <see cref="CloseReason.Dropped"/> without a goodbye.</param>
/// <param name="Refused">The field for which the hub refused the profile.</param>
/// <param name="MoveTo">Where the hub sent the miner.</param>
internal sealed record Ending(
    CloseReason Reason, string Detail = "", TimeSpan RetryAfter = default, string? Refused = null, Uri? MoveTo = null)
{
    /// <summary>Throws where trying again cannot help.</summary>
    /// <exception cref="MinerRefusedException">The hub will not have this miner, and why.</exception>
    public void ThrowIfRefused()
    {
        if (Refused is { } field)
        {
            throw new MinerRefusedException($"the hub refuses the profile: {field} {Detail}".Trim()) { Field = field };
        }
        if (Reason is CloseReason.BadCredentials or CloseReason.KeyRevoked or CloseReason.UnsupportedVersion)
        {
            string why = Reason switch
            {
                CloseReason.BadCredentials => "the hub does not know this miner, or the key is wrong",
                CloseReason.KeyRevoked => "the miner's key was revoked",
                _ => $"the hub does not speak protocol version {Limits.ProtocolVersion}",
            };
            throw new MinerRefusedException(Detail.Length > 0 ? $"{why} ({Detail})" : why) { Reason = Reason };
        }
    }
}

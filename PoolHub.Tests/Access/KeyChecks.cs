using PoolHub.Daemon.Access;

namespace PoolHub.Tests.Access;

internal static class KeyChecks
{
    /// <summary>Whether the key is the miner's.</summary>
    public static bool Verify(this KeyRing ring, string minerId, string apiKey) => ring.CredentialOf(minerId, apiKey) is not null;
}

using PoolHub.Daemon.Access;
using PoolHub.Daemon.Registry;
using PoolHub.Daemon.Storage;
using PoolHub.Protocol;

namespace PoolHub.Daemon.Sessions;

/// <summary>
/// Who is let in, by a key, a certificate or a token. What is shown is judged first: whoever shows the right thing is let
/// in whatever strangers have done, and only whoever does not is held against the limits and bans of those who fail.
/// </summary>
internal sealed class Doorkeeper(
    MinerRegistry registry, KeyRing keys, SessionTokens tokens, Tls tls, LoginGuard guard, AccessOptions access, ILogger<Doorkeeper> log)
{
    public const string KeyRevoked = "the miner's key was revoked";

    /// <summary>What a session gets that is over.</summary>
    public static Admission Stale { get; } =
        new(null, CloseReason.StaleSession, "a newer session of this miner began, or it left; register again");

    /// <summary>False where a certificate is enough.</summary>
    public bool NeedsKey => tls.MinerAuth != MinerAuth.Mtls;

    /// <summary>Why the miner may not begin a session; null when it may.</summary>
    /// <param name="generation">Of the key that it has shown.</param>
    /// <param name="claim">Keys that it has brought for an id that was free; null when it needed none.</param>
    public Admission? Refuse(string minerId, string? apiKey, Peer peer, LoginKind kind, out ulong generation, out StoredKeys? claim)
    {
        (generation, claim) = (0, null);
        if (NeedsKey && MinerKey.Check(apiKey!) == MinerKeyForm.Typo)
        {
            // Said whoever it is: it tells nothing of the miner.
            return Wrong(guard.Wrong(kind, peer.Address, minerId), "the api_key is mistyped: its checksum does not fit");
        }
        if (tls.Refuse(minerId, peer) is { } why)
        {
            return Wrong(guard.Wrong(kind, peer.Address, minerId), why);
        }
        if (CredentialOf(minerId, apiKey, out claim) is not { } credential)
        {
            return Wrong(guard.Wrong(kind, peer.Address, minerId), "unknown miner or wrong key");
        }
        // Only now, with a right key: strangers can neither use this up nor have the miner flap.
        if ((Refused(guard.Right(kind, peer.Address)) ?? RefuseFlapping(minerId)) is { } refusal)
        {
            if (claim is not null)
            {
                keys.Unclaim(minerId, claim);
            }
            return refusal;
        }
        generation = tokens.GenerationOf(credential);
        keys.Use(minerId);
        return null;
    }

    /// <summary>Why a token resumes no session; null when it does.</summary>
    /// <param name="takesOver">Whether the session goes on over another socket.</param>
    /// <param name="mayRegister">Whether a session will do that has not registered yet.</param>
    /// <param name="claimedId">Who the miner says it is; null where it does not say.</param>
    /// <param name="claims">What the token says.</param>
    /// <param name="aging">Whether it should be replaced.</param>
    public Admission? Refuse(
        string? token, Peer peer, bool takesOver, bool mayRegister, string? claimedId, out TokenClaims claims, out bool aging)
    {
        LoginKind kind = takesOver ? LoginKind.Hello : LoginKind.Register;
        TokenVerdict verdict = tokens.Read(token, out claims);
        aging = verdict == TokenVerdict.Aging;
        (string minerId, long epoch, ulong generation) = claims;
        if (verdict is TokenVerdict.Forged or TokenVerdict.Expired)
        {
            return verdict == TokenVerdict.Expired
                ? Wrong(null, "the session token has expired; register again")
                : Wrong(guard.WrongToken(kind, peer.Address), "the session token is missing or unknown; register again");
        }
        if (tls.Refuse(minerId, peer) is { } why)
        {
            return Wrong(guard.WrongToken(kind, peer.Address), why);
        }
        if (claimedId is not null && claimedId != minerId)
        {
            return Over("the session token is another miner's");
        }
        if (keys.IsRevoked(minerId))
        {
            return new Admission(null, CloseReason.KeyRevoked, KeyRevoked);
        }
        if (registry.Find(minerId) is not { } miner || miner.Epoch != epoch)
        {
            return Stale;
        }
        if (!keys.Credentials(minerId, certified: !NeedsKey).Any(credential => tokens.GenerationOf(credential) == generation))
        {
            return Over("the key with which the session was begun is not the miner's any more");
        }
        if (!miner.Registered && !mayRegister)
        {
            return Over("the session has not registered; register first");
        }
        return takesOver ? Refused(guard.Right(kind, peer.Address)) ?? RefuseFlapping(minerId) : null;
    }

    /// <summary>Somebody goes on from there with a token.</summary>
    public void Entered(Peer peer) => guard.Entered(peer.Address);

    /// <summary>What opens a session: the key, or the certificate alone. Null when nothing does.</summary>
    private byte[]? CredentialOf(string minerId, string? apiKey, out StoredKeys? claim)
    {
        claim = null;
        if (!NeedsKey)
        {
            // Whoever the client CA signs for is enrolled by that.
            return keys.AdmitCertified(minerId, out claim);
        }
        return keys.CredentialOf(minerId, apiKey!) ?? (access.OpenEnrollment ? (claim = keys.TryClaim(minerId, apiKey!))?.Current : null);
    }

    private Admission? RefuseFlapping(string minerId)
    {
        if (registry.RefuseFlapping(minerId) is not { } wait)
        {
            return null;
        }
        SessionLog.Flapping(log, minerId, wait.TotalSeconds);
        return new Admission(null, CloseReason.Flapping, "too many connections in a minute", wait);
    }

    private static Admission Wrong(LoginRefusal? refusal, string detail) =>
        Refused(refusal) ?? new Admission(null, CloseReason.BadCredentials, detail);

    private static Admission Over(string detail) => new(null, CloseReason.StaleSession, detail);

    private static Admission? Refused(LoginRefusal? refusal) => refusal is var (reason, detail, wait)
        ? new Admission(null, reason, detail, wait)
        : null;
}

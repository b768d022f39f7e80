using System.Collections.Concurrent;
using PoolHub.Daemon.Access;
using PoolHub.Daemon.Registry;
using PoolHub.Daemon.Storage;
using PoolHub.Protocol;

namespace PoolHub.Daemon.Sessions;

/// <summary>The session of every miner that has one, and who gets one.</summary>
internal sealed class SessionTable(
    MinerRegistry registry, KeyRing keys, SessionTokens tokens, Tls tls, LoginGuard guard, AccessOptions access, ILogger<SessionTable> log)
{
    private const string KeyRevoked = "the miner's key was revoked";

    private readonly Lock _gate = new();
    private readonly ConcurrentDictionary<string, Session> _sessions = new();

    /// <summary>What a session gets that is over.</summary>
    public static Admission Stale { get; } =
        new(null, CloseReason.StaleSession, "a newer session of this miner began, or it left; register again");

    public Session? Find(string minerId) => _sessions.GetValueOrDefault(minerId);

    /// <summary>False where a certificate is enough.</summary>
    public bool NeedsKey => tls.MinerAuth != MinerAuth.Mtls;

    public string TokenOf(Session session) => tokens.Create(session.Miner.Id, session.Epoch);

    /// <summary>Begins a new session for whoever shows that it is the miner; it replaces the one before.</summary>
    /// <param name="channel">The socket it speaks through; null over HTTP.</param>
    public Admission Open(string minerId, string? apiKey, Peer peer, LoginKind kind, Channel? channel)
    {
        if (NeedsKey && MinerKey.Check(apiKey!) == MinerKeyForm.Typo)
        {
            // Said whoever it is: it tells nothing of the miner.
            return Wrong(guard.Wrong(kind, peer.Address, minerId), "the api_key is mistyped: its checksum does not fit");
        }
        if (tls.Refuse(minerId, peer) is { } why)
        {
            return Wrong(guard.Wrong(kind, peer.Address, minerId), why);
        }
        Session session;
        Session? older;
        // The key is judged in here too: what it claims must not be freed by an older session that fails meanwhile.
        lock (_gate)
        {
            StoredKeys? claim = null;
            if (!Admits(minerId, apiKey, ref claim))
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
            keys.Use(minerId);
            (Miner miner, long epoch) = registry.BeginSession(minerId);
            older = _sessions.GetValueOrDefault(minerId);
            session = new Session(miner, epoch) { Channel = channel, Claim = claim ?? older?.Claim };
            _sessions[minerId] = session;
        }
        if (older is not null)
        {
            older.Commands.Abandon();
            older.Channel?.Close(CloseReason.Replaced, "a newer session of this miner began");
        }
        SessionLog.Began(log, minerId, session.Epoch, session.Transport);
        return new Admission(session);
    }

    /// <summary>Goes on with the session that a token names.</summary>
    /// <param name="channel">The socket that it speaks through from now on; null over HTTP, where none is replaced.</param>
    /// <param name="claimedId">Who the miner says it is; null where it does not say.</param>
    public Admission Resume(string? token, Peer peer, Channel? channel, string? claimedId = null)
    {
        LoginKind kind = channel is null ? LoginKind.Register : LoginKind.Hello;
        TokenVerdict verdict = tokens.Read(token, out string minerId, out long epoch);
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
            return new Admission(null, CloseReason.StaleSession, "the session token is another miner's");
        }
        if (keys.IsRevoked(minerId))
        {
            return new Admission(null, CloseReason.KeyRevoked, KeyRevoked);
        }
        if (registry.Find(minerId) is not { Profile: not null } miner || miner.Epoch != epoch)
        {
            return Stale;
        }
        if (channel is not null && (Refused(guard.Right(kind, peer.Address)) ?? RefuseFlapping(minerId)) is { } refusal)
        {
            return refusal;
        }
        Session session;
        Channel? older = null;
        lock (_gate)
        {
            if (miner.Epoch != epoch)
            {
                return Stale;
            }
            // After a restart the token is all that is left of the session.
            session = _sessions.GetOrAdd(minerId, static (_, s) => new Session(s.miner, s.epoch), (miner, epoch));
            if (channel is not null)
            {
                older = session.Channel;
                session.Channel = channel;
                _ = registry.Renew(miner, epoch);
            }
        }
        guard.Entered(peer.Address);
        if (channel is not null)
        {
            older?.Close(CloseReason.Replaced, "the session was resumed on a newer connection");
            SessionLog.Resumed(log, minerId, epoch, channel.Transport);
        }
        return new Admission(session, Aging: verdict == TokenVerdict.Aging);
    }

    /// <summary>Makes the profile durable and offers the miner. False when a newer session began meanwhile.</summary>
    /// <exception cref="StoreUnavailableException">Nothing was registered.</exception>
    public async ValueTask<bool> RegisterAsync(Session session, MinerProfile profile)
    {
        StoredKeys? claim = session.Claim;
        bool registered = await registry.RegisterAsync(session.Miner, session.Epoch, profile, claim);
        if (claim is not null)
        {
            lock (_gate)
            {
                // The claim is stored whoever registered first: a newer session that took it over has none to lose.
                session.Claim = null;
                if (Find(session.Miner.Id) is { } newer && newer.Claim == claim)
                {
                    newer.Claim = null;
                }
            }
        }
        return registered;
    }

    /// <summary>The session's socket is gone. Without a goodbye the miner is kept for the grace.</summary>
    public void Detach(Session session, Channel channel)
    {
        lock (_gate)
        {
            if (session.Channel != channel)
            {
                return;
            }
            session.Channel = null;
            // In here, so that a connection which resumes it meanwhile is not taken for dropped.
            registry.Drop(session.Miner, session.Epoch);
        }
        if (session.Miner.Profile is null)
        {
            Forget(session);
        }
        else if (session.Miner.State == LeaseState.Offline)
        {
            // Its grace is over: no sweep will look at it again.
            session.Commands.Abandon();
            Remove(session);
        }
    }

    /// <summary>Ends a session that never registered; an id that it claimed is free again.</summary>
    public void Forget(Session session)
    {
        lock (_gate)
        {
            // A newer session has taken the claim over.
            if (session.IsCurrent)
            {
                Unclaim(session);
                Remove(session);
            }
        }
    }

    /// <summary>The miner said goodbye: offline at once, and its token is worth nothing any more.</summary>
    /// <param name="session">Its socket is closed, if another is open than the one that it said it on.</param>
    /// <param name="reason">What is said through that.</param>
    /// <param name="detail">Likewise.</param>
    /// <exception cref="StoreUnavailableException">It is offline; but a restart would take its token again.</exception>
    public async ValueTask LeaveAsync(
        Session session, CloseReason reason = CloseReason.Replaced, string detail = "the miner left on another connection")
    {
        ValueTask leaving;
        lock (_gate)
        {
            if (session.IsCurrent)
            {
                Unclaim(session);
            }
            // First, so that nobody resumes it after it was removed.
            leaving = registry.LeaveAsync(session.Miner, session.Epoch);
            // Only now: a socket that resumed it just before would stay open.
            session.Channel?.Close(reason, detail);
            Remove(session);
        }
        session.Commands.Abandon();
        SessionLog.Left(log, session.Miner.Id, session.Epoch);
        await leaving;
    }

    /// <summary>The miner's keys are gone: whatever it has open ends.</summary>
    public ValueTask RevokeAsync(string minerId)
    {
        lock (_gate)
        {
            // In here, so that who was let in just before, by the key or a token, has its session.
            return registry.Find(minerId) is { } miner
                ? LeaveAsync(Find(minerId) ?? new Session(miner, miner.Epoch), CloseReason.KeyRevoked, KeyRevoked)
                : default;
        }
    }

    /// <summary>The miner's grace is over.</summary>
    public void Expire(Miner miner)
    {
        if (_sessions.TryGetValue(miner.Id, out Session? session))
        {
            if (session.Channel is { } channel)
            {
                channel.Close(CloseReason.LeaseExpired, "no heartbeat came within the grace");
            }
            else
            {
                session.Commands.Abandon();
                Remove(session);
            }
        }
        SessionLog.Expired(log, miner.Id);
    }

    public void CountByTransport(Span<int> counts)
    {
        counts.Clear();
        foreach ((_, Session session) in _sessions)
        {
            counts[(int)session.Transport]++;
        }
    }

    /// <summary>Whether the key, or the certificate alone, opens a session.</summary>
    private bool Admits(string minerId, string? apiKey, ref StoredKeys? claim)
    {
        if (NeedsKey)
        {
            return keys.Verify(minerId, apiKey!) || (access.OpenEnrollment && (claim = keys.TryClaim(minerId, apiKey!)) is not null);
        }
        // Whoever the client CA signs for is enrolled by that.
        return keys.AdmitsCertified(minerId, ref claim);
    }

    private void Remove(Session session) => _sessions.TryRemove(new KeyValuePair<string, Session>(session.Miner.Id, session));

    private void Unclaim(Session session)
    {
        if (session.Claim is { } claim)
        {
            keys.Unclaim(session.Miner.Id, claim);
            registry.Forget(session.Miner);
        }
    }

    private static Admission Wrong(LoginRefusal? refusal, string detail) =>
        Refused(refusal) ?? new Admission(null, CloseReason.BadCredentials, detail);

    private static Admission? Refused(LoginRefusal? refusal) => refusal is var (reason, detail, wait)
        ? new Admission(null, reason, detail, wait)
        : null;

    private Admission? RefuseFlapping(string minerId)
    {
        if (registry.RefuseFlapping(minerId) is not { } wait)
        {
            return null;
        }
        SessionLog.Flapping(log, minerId, wait.TotalSeconds);
        return new Admission(null, CloseReason.Flapping, "too many connections in a minute", wait);
    }
}

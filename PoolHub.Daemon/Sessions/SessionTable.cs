using System.Collections.Concurrent;
using PoolHub.Daemon.Access;
using PoolHub.Daemon.Registry;
using PoolHub.Daemon.Storage;
using PoolHub.Protocol;

namespace PoolHub.Daemon.Sessions;

/// <summary>The session of every miner that has one.</summary>
internal sealed class SessionTable(
    MinerRegistry registry, KeyRing keys, SessionTokens tokens, Doorkeeper doorkeeper, ILogger<SessionTable> log)
{
    private readonly Lock _gate = new();
    private readonly ConcurrentDictionary<string, Session> _sessions = new();

    public Session? Find(string minerId) => _sessions.GetValueOrDefault(minerId);

    /// <inheritdoc cref="Doorkeeper.NeedsKey"/>
    public bool NeedsKey => doorkeeper.NeedsKey;

    public string TokenOf(Session session) => tokens.Create(session.Claims);

    /// <summary>Begins a new session for whoever shows that it is the miner; it replaces the one before.</summary>
    /// <param name="channel">The socket it speaks through; null over HTTP.</param>
    public Admission Open(string minerId, string? apiKey, Peer peer, LoginKind kind, Channel? channel)
    {
        Session session;
        Session? older;
        // The key is judged in here too: what it claims must not be freed by an older session that fails meanwhile.
        lock (_gate)
        {
            if (doorkeeper.Refuse(minerId, apiKey, peer, kind, out ulong generation, out StoredKeys? claim) is { } refusal)
            {
                return refusal;
            }
            (Miner miner, long epoch) = registry.BeginSession(minerId);
            older = _sessions.GetValueOrDefault(minerId);
            session = new Session(miner, epoch, generation) { Channel = channel, Claim = claim ?? older?.Claim };
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
    /// <param name="mayRegister">Whether a session will do that has not registered yet.</param>
    /// <param name="claimedId">Who the miner says it is; null where it does not say.</param>
    public Admission Resume(string? token, Peer peer, Channel? channel, bool mayRegister = false, string? claimedId = null)
    {
        if (doorkeeper.Refuse(token, peer, channel is not null, mayRegister, claimedId, out TokenClaims claims, out bool aging) is { } refusal)
        {
            return refusal;
        }
        Miner miner = registry.Find(claims.MinerId)!;
        Session session;
        bool registered;
        Channel? older = null;
        lock (_gate)
        {
            if (miner.Epoch != claims.Epoch)
            {
                return Doorkeeper.Stale;
            }
            registered = miner.Registered;
            // After a restart the token is all that is left of the session.
            session = _sessions.GetOrAdd(claims.MinerId, static (_, s) => new Session(s.miner, s.claims.Epoch, s.claims.Generation), (miner, claims));
            if (channel is not null)
            {
                older = session.Channel;
                session.Channel = channel;
                _ = registry.Renew(miner, claims.Epoch);
            }
        }
        doorkeeper.Entered(peer);
        if (channel is not null)
        {
            older?.Close(CloseReason.Replaced, "the session was resumed on a newer connection");
            SessionLog.Resumed(log, claims.MinerId, claims.Epoch, channel.Transport);
        }
        return new Admission(session, Registered: registered, Aging: aging);
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
                ? LeaveAsync(Find(minerId) ?? new Session(miner, miner.Epoch, generation: 0), CloseReason.KeyRevoked, Doorkeeper.KeyRevoked)
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

    private void Remove(Session session) => _sessions.TryRemove(new KeyValuePair<string, Session>(session.Miner.Id, session));

    private void Unclaim(Session session)
    {
        if (session.Claim is { } claim)
        {
            keys.Unclaim(session.Miner.Id, claim);
            registry.Forget(session.Miner);
        }
    }
}

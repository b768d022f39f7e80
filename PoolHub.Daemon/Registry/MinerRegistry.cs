using PoolHub.Daemon.Matching;
using PoolHub.Daemon.Storage;
using PoolHub.Daemon.Trust;
using PoolHub.Protocol;

namespace PoolHub.Daemon.Registry;

/// <summary>
/// Who is known and who is online. Structure changes under one lock; heartbeats take none: they write the lease column,
/// the miner's status and the index's columns in place.
/// </summary>
internal sealed class MinerRegistry
{
    private readonly Lock _gate = new();
    private readonly MinerTable _miners = new();
    private readonly RegistryOptions _options;
    private readonly Roster _roster;
    private readonly HoldBook _holds;
    private readonly FlapGuard _flaps;
    private readonly Presence _presence;
    private readonly Registrations _registrations;
    private readonly TimeProvider _time;
    private readonly LeaseSweep _sweep;

    public MinerRegistry(RegistryOptions options, MatchIndex index, HoldBook holds, TrustBook trust, IHubStore store, TimeProvider time, TimeProvider? clock = null)
    {
        (_options, _holds, _time) = (options, holds, clock ?? time);
        _roster = new Roster(index, holds, trust, time);
        _flaps = new FlapGuard(options, time);
        _presence = new Presence(_gate, _roster, store, _time);
        _registrations = new Registrations(_gate, _roster, store, _time);
        Guard = new MassLossGuard(options, _time);
        _sweep = new LeaseSweep(options, _roster, Guard, _time);
        Pace = new HeartbeatPace(options);
        trust.StandingChanged += OnStandingChanged;
    }

    public MassLossGuard Guard { get; }
    public HeartbeatPace Pace { get; }
    public int LeaseTtlSec => _options.LeaseTtlSec;
    public int GraceSec => _options.GraceSec;
    public int Known => _miners.Count;

    /// <summary>Counted by the last sweep.</summary>
    public int OnlineCount => _sweep.Online;
    public int DegradedCount => _sweep.Degraded;
    public double? MeanRttMs => _sweep.MeanRttMs;

    /// <summary>The miner, registered or not; null when its id is unknown.</summary>
    public Miner? Find(string minerId) => _miners.Find(minerId);

    /// <summary>
    /// Every registered miner of these in the order of their ids, from after <paramref name="cursor"/>. Whoever takes a
    /// few at once pays for one pass, not for sorting the fleet.
    /// </summary>
    public IEnumerable<Miner> After(string? cursor, Func<Miner, bool>? filter = null) => _miners.All
        .Where(m => m.Profile is not null && (cursor is null || string.CompareOrdinal(m.Id, cursor) > 0) && filter?.Invoke(m) != false)
        .OrderBy(m => m.Id, StringComparer.Ordinal);

    /// <summary>
    /// Takes over what was stored. Those last seen within the grace are offered at once, as degraded: a restart of the
    /// hub says nothing of the miners.
    /// </summary>
    public void Load(IEnumerable<StoredMiner> stored)
    {
        long now = _time.GetTimestamp();
        DateTimeOffset wallNow = _time.GetUtcNow();
        List<(Miner, long)> offered = [];
        lock (_gate)
        {
            foreach (StoredMiner s in stored)
            {
                Miner miner = Miner.Restore(s, wallNow);
                _miners.Add(miner);
                _roster.Prices.Set(miner.Id, s.Price);
                if (!miner.Registered || s.LastSeenAt is null)
                {
                    continue;
                }
                TimeSpan age = wallNow - DateTimeOffset.FromUnixTimeMilliseconds(miner.LastSeenMs);
                if (age < TimeSpan.FromSeconds(_options.GraceSec))
                {
                    miner.Dropped = true;
                    offered.Add((miner, now - (long)(age.TotalSeconds * _time.TimestampFrequency)));
                }
            }
            _roster.EnterAll(offered, LeaseState.Degraded);
            _sweep.Begin();
        }
    }

    /// <summary>
    /// A connection of the miner: counted against flapping. Returns how long it must stay away, or null when it may come.
    /// </summary>
    public TimeSpan? RefuseFlapping(string minerId) => Find(minerId) is { } miner ? _flaps.Refuse(miner) : null;

    /// <inheritdoc cref="Presence.Begin"/>
    public (Miner Miner, long Epoch) BeginSession(string minerId) => _presence.Begin(_miners.FindOrAdd(minerId));

    /// <summary>Knows a miner no more that never registered, and whose id is free again.</summary>
    public void Forget(Miner miner)
    {
        if (miner.Profile is null)
        {
            _miners.Remove(miner);
        }
    }

    /// <summary>
    /// Makes the profile durable, then offers the miner. False when a newer session began meanwhile: its own
    /// registration counts, and of this one only the claim was kept.
    /// </summary>
    /// <exception cref="StoreUnavailableException">Nothing was registered.</exception>
    public ValueTask<bool> RegisterAsync(Miner miner, long epoch, MinerProfile profile, StoredKeys? claim) =>
        new(_registrations.RegisterAsync(miner, epoch, profile, claim));

    /// <summary>
    /// Another profile for a live session, such as new tags or a lower price that the miner agreed to. False when the
    /// session ended meanwhile.
    /// </summary>
    /// <param name="miner">A miner that has registered.</param>
    /// <param name="change">Makes the new profile of the one before; changes of one miner see each other's.</param>
    /// <exception cref="StoreUnavailableException">Nothing was changed.</exception>
    public ValueTask<bool> ChangeProfileAsync(Miner miner, Func<MinerProfile, MinerProfile> change) =>
        new(_registrations.ChangeAsync(miner, change));

    /// <summary>Has the miner offered at another price than its own; null ends that. It is durable first.</summary>
    /// <exception cref="StoreUnavailableException">Nothing was changed.</exception>
    public Task OverridePriceAsync(Miner miner, PriceOverride? price, AuditEntry? audit = null) =>
        _registrations.OverridePriceAsync(miner, price, audit);

    /// <summary>What an admin has the miner offered at; null when it is its own price.</summary>
    public PriceOverride? PriceOverrideOf(Miner miner) => _roster.Prices.Find(miner.Id);

    /// <inheritdoc cref="Presence.Renew"/>
    public bool Renew(Miner miner, long epoch) => _presence.Renew(miner, epoch);

    /// <inheritdoc cref="Presence.Report"/>
    public bool Report(Miner miner, long epoch, in MinerReport report) => _presence.Report(miner, epoch, report);

    /// <summary>One measured round trip.</summary>
    public void ObserveRtt(Miner miner, TimeSpan roundTrip)
    {
        miner.TakeRtt((float)roundTrip.TotalMilliseconds);
        _roster.WriteRtt(miner);
    }

    /// <summary>Takes limits over that may change while the hub runs: those of the guard and of flapping.</summary>
    public void Reload(RegistryOptions options)
    {
        _flaps.Options = options;
        Guard.Options = options;
    }

    /// <summary>How long a completed job took, as its coordinator saw it.</summary>
    public void ObserveService(Miner miner, int latencyMs)
    {
        miner.TakeService(latencyMs);
        _roster.WriteStatus(miner);
    }

    /// <summary>A completed job's duration says how fast its miner is.</summary>
    public void Observe(StoredFeedback feedback)
    {
        if (feedback is { Outcome: Outcomes.Completed, LatencyMs: { } latencyMs } && Find(feedback.MinerId) is { } miner)
        {
            ObserveService(miner, latencyMs);
        }
    }

    /// <summary>How many of its slots matches hold.</summary>
    public int Held(Miner miner) => _roster.Held(miner);

    /// <summary>Whether an admin has the hub offer the miner no jobs. It is so at once, and durable when the task completes.</summary>
    /// <exception cref="StoreUnavailableException">It is so, but a restart will not know it.</exception>
    public Task SetDrainingAsync(Miner miner, bool draining, AuditEntry? audit = null) => _registrations.SetDrainingAsync(miner, draining, audit);

    /// <inheritdoc cref="Presence.Drop"/>
    public void Drop(Miner miner, long epoch) => _presence.Drop(miner, epoch);

    /// <inheritdoc cref="Presence.LeaveAsync"/>
    public ValueTask LeaveAsync(Miner miner, long epoch) => _presence.LeaveAsync(miner, epoch);

    /// <summary>
    /// Moves every lease on: to degraded, to offline, and back. Exact to one sweep; called once a second. Returns those
    /// that went offline.
    /// </summary>
    public List<Miner> Sweep()
    {
        List<Miner> gone;
        lock (_gate)
        {
            gone = _sweep.Run();
            foreach (string minerId in _roster.Prices.TakeEnded())
            {
                _roster.WritePrice(_miners.Find(minerId)!);
            }
        }
        _holds.EndAllExpired();
        _roster.RefreshLatencyRanks();
        return gone;
    }

    /// <summary>The status of every miner that said something since the last call.</summary>
    public List<StoredStatus> TakeDirty()
    {
        List<StoredStatus> batch = [];
        foreach (Miner miner in _miners.All)
        {
            if (miner.Dirty && miner.Profile is not null)
            {
                miner.Dirty = false;
                batch.Add(miner.ToStatus());
            }
        }
        return batch;
    }

    private void OnStandingChanged(string minerId)
    {
        if (Find(minerId) is { } miner)
        {
            lock (_gate)
            {
                _roster.WriteTrust(miner);
                _roster.WriteOffered(miner);
            }
        }
    }
}

using System.Collections.Concurrent;
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
    private const double ServiceSmoothing = 0.2;

    private readonly Lock _gate = new();
    private readonly ConcurrentDictionary<string, Miner> _miners = new();
    private readonly LeaseColumn _leases = new();
    private readonly RegistryOptions _options;
    private readonly MatchIndex _index;
    private readonly TrustBook _trust;
    private readonly IHubStore _store;
    private readonly TimeProvider _time;
    private readonly long _leaseTicks;
    private readonly long _graceTicks;

    public MinerRegistry(RegistryOptions options, MatchIndex index, TrustBook trust, IHubStore store, TimeProvider time)
    {
        (_options, _index, _trust, _store, _time) = (options, index, trust, store, time);
        _leaseTicks = options.LeaseTtlSec * time.TimestampFrequency;
        _graceTicks = options.GraceSec * time.TimestampFrequency;
        Guard = new MassLossGuard(options, time);
        Pace = new HeartbeatPace(options);
        trust.StandingChanged += OnStandingChanged;
    }

    public MassLossGuard Guard { get; }
    public HeartbeatPace Pace { get; }
    public int LeaseTtlSec => _options.LeaseTtlSec;
    public int Known => _miners.Count;

    /// <summary>Counted by the last sweep.</summary>
    public int OnlineCount { get; private set; }
    public int DegradedCount { get; private set; }

    /// <summary>The miner, registered or not; null when its id is unknown.</summary>
    public Miner? Find(string minerId) => _miners.GetValueOrDefault(minerId);

    /// <summary>Every known miner in the order of their ids, from after <paramref name="cursor"/>.</summary>
    public IEnumerable<Miner> After(string? cursor) => _miners.Values
        .Where(m => m.Profile is not null && (cursor is null || string.CompareOrdinal(m.Id, cursor) > 0))
        .OrderBy(m => m.Id, StringComparer.Ordinal);

    /// <summary>
    /// Takes over what was stored. Those last seen within the grace are offered at once, as degraded: a restart of the
    /// hub says nothing of the miners.
    /// </summary>
    public void Load(IEnumerable<StoredMiner> stored)
    {
        long now = _time.GetTimestamp();
        DateTimeOffset wallNow = _time.GetUtcNow();
        lock (_gate)
        {
            foreach (StoredMiner s in stored)
            {
                var miner = new Miner(s.MinerId) { Profile = s.Profile, Epoch = s.Epoch, LastSeenMs = s.LastSeenAt?.ToUnixTimeMilliseconds() ?? 0 };
                _miners[s.MinerId] = miner;
                if (s.Status is { } status)
                {
                    (miner.QueueLen, miner.Busy, miner.AvgLatencyMs, miner.TempC, miner.MemFreeGb) =
                        (status.QueueLen, status.Busy, status.AvgLatencyMs, status.TempC, status.MemFreeGb);
                }
                if (s.Profile is null || s.LastSeenAt is not { } seen)
                {
                    continue;
                }
                TimeSpan age = wallNow > seen ? wallNow - seen : TimeSpan.Zero;
                long heardAt = now - (long)(age.TotalSeconds * _time.TimestampFrequency);
                if (now - heardAt < _graceTicks)
                {
                    miner.Dropped = true;
                    Enter(miner, LeaseState.Degraded, heardAt);
                }
            }
            Count();
        }
        _index.RefreshLatencyRanks();
    }

    /// <summary>
    /// A connection of the miner: counted against flapping. Returns how long it must stay away, or null when it may come.
    /// </summary>
    public TimeSpan? RefuseFlapping(string minerId)
    {
        if (_options.FlapLimitPerMin == 0 || !_miners.TryGetValue(minerId, out Miner? miner))
        {
            return null;
        }
        long now = _time.GetTimestamp();
        lock (_gate)
        {
            if (miner.FlapBanUntil != 0)
            {
                if (now < miner.FlapBanUntil)
                {
                    return _time.GetElapsedTime(now, miner.FlapBanUntil);
                }
                (miner.FlapBanUntil, miner.FlapCount) = (0, 0);
            }
            if (miner.FlapCount == 0 || _time.GetElapsedTime(miner.FlapWindowStart, now) >= TimeSpan.FromMinutes(1))
            {
                (miner.FlapWindowStart, miner.FlapCount) = (now, 0);
            }
            if (++miner.FlapCount <= _options.FlapLimitPerMin)
            {
                return null;
            }
            miner.FlapBanUntil = now + (_options.FlapBanSec * _time.TimestampFrequency);
            return TimeSpan.FromSeconds(_options.FlapBanSec);
        }
    }

    /// <summary>Begins a new session of a miner whose key was verified; the miner is known from here on.</summary>
    public (Miner Miner, long Epoch) BeginSession(string minerId)
    {
        Miner miner = _miners.GetOrAdd(minerId, static id => new Miner(id));
        lock (_gate)
        {
            return (miner, ++miner.Epoch);
        }
    }

    /// <summary>
    /// Makes the profile durable, then offers the miner. False when a newer session began meanwhile: its own
    /// registration counts.
    /// </summary>
    /// <exception cref="StoreUnavailableException">Nothing was registered.</exception>
    public async ValueTask<bool> RegisterAsync(Miner miner, long epoch, MinerProfile profile, StoredKeys? claim)
    {
        await _store.SaveRegistrationAsync(miner.Id, profile, epoch, claim, _time.GetUtcNow());
        lock (_gate)
        {
            if (miner.Epoch != epoch)
            {
                return false;
            }
            miner.Profile = profile;
            if (miner.Slot == Miner.NoSlot)
            {
                Enter(miner, LeaseState.Online, _time.GetTimestamp());
            }
            else
            {
                _index.Replace(miner.Slot, profile);
            }
            Renew(miner);
            return true;
        }
    }

    /// <summary>Another profile for a live session, such as new tags or a lower price that the miner agreed to.</summary>
    public ValueTask<bool> ChangeProfileAsync(Miner miner, Func<MinerProfile, MinerProfile> change) =>
        miner.Profile is { } profile ? RegisterAsync(miner, miner.Epoch, change(profile), claim: null) : new ValueTask<bool>(false);

    /// <summary>A sign of life: the lease begins anew.</summary>
    public void Renew(Miner miner)
    {
        int slot = miner.Slot;
        if (slot != Miner.NoSlot)
        {
            _leases.Renew(slot, _time.GetTimestamp());
        }
        miner.LastSeenMs = _time.GetUtcNow().ToUnixTimeMilliseconds();
        miner.Dirty = true;
        if (miner.State != LeaseState.Online || miner.Dropped)
        {
            Revive(miner);
        }
    }

    /// <summary>How busy the miner is now. Renews the lease.</summary>
    public void Report(Miner miner, in MinerReport report)
    {
        miner.QueueLen = report.QueueLen;
        miner.Busy = report.Busy ?? miner.Busy && report.QueueLen > 0;
        miner.CurrentJobs = report.CurrentJobs ?? Math.Min(miner.CurrentJobs, report.QueueLen);
        miner.AvgLatencyMs = report.AvgLatencyMs ?? miner.AvgLatencyMs;
        miner.TempC = report.TempC ?? miner.TempC;
        miner.MemFreeGb = report.MemFreeGb ?? miner.MemFreeGb;
        Renew(miner);
        int slot = miner.Slot;
        if (slot != Miner.NoSlot)
        {
            _index.SetLoad(slot, miner.Load);
            _index.SetServiceMs(slot, ServiceMs(miner));
        }
    }

    /// <summary>One measured round trip, smoothed as TCP does it (RFC 6298: an eighth).</summary>
    public void ObserveRtt(Miner miner, TimeSpan roundTrip)
    {
        float ms = (float)roundTrip.TotalMilliseconds;
        miner.RttMs = float.IsNaN(miner.RttMs) ? ms : miner.RttMs + ((ms - miner.RttMs) / 8);
        int slot = miner.Slot;
        if (slot != Miner.NoSlot)
        {
            _index.SetRtt(slot, (int)miner.RttMs);
        }
    }

    /// <summary>How long a completed job took, as its coordinator saw it.</summary>
    public void ObserveService(Miner miner, int latencyMs)
    {
        miner.ReportedServiceMs = float.IsNaN(miner.ReportedServiceMs)
            ? latencyMs
            : (float)(miner.ReportedServiceMs + ((latencyMs - miner.ReportedServiceMs) * ServiceSmoothing));
        int slot = miner.Slot;
        if (slot != Miner.NoSlot)
        {
            _index.SetServiceMs(slot, ServiceMs(miner));
        }
    }

    /// <summary>Whether the miner is to be offered new jobs, as far as the operator is concerned.</summary>
    public void SetDraining(Miner miner, bool draining)
    {
        lock (_gate)
        {
            miner.Draining = draining;
            OfferOrNot(miner);
        }
    }

    /// <summary>The miner's socket ended without a goodbye: degraded at once.</summary>
    public void Drop(Miner miner, long epoch)
    {
        lock (_gate)
        {
            if (miner.Epoch == epoch && miner.Slot != Miner.NoSlot)
            {
                miner.Dropped = true;
                SetState(miner, LeaseState.Degraded);
            }
        }
    }

    /// <summary>The miner said goodbye: offline at once, and its session is over.</summary>
    public async ValueTask LeaveAsync(Miner miner, long epoch)
    {
        long next;
        lock (_gate)
        {
            if (miner.Epoch != epoch)
            {
                return;
            }
            next = ++miner.Epoch;
            Exit(miner);
        }
        await _store.SaveEpochAsync(miner.Id, next);
    }

    /// <summary>
    /// Moves every lease on: to degraded, to offline, and back. Exact to one sweep; called once a second. Returns those
    /// that went offline.
    /// </summary>
    public List<Miner> Sweep()
    {
        long now = _time.GetTimestamp();
        List<Miner> due = [];
        List<Miner> gone = [];
        int silent = 0;
        int online = 0;
        lock (_gate)
        {
            for (int slot = 0; slot < _leases.Capacity; slot++)
            {
                if (_leases.MinerAt(slot) is not { } miner)
                {
                    continue;
                }
                long age = now - _leases.HeardAt(slot);
                if (age >= _graceTicks)
                {
                    due.Add(miner);
                }
                if (age >= _leaseTicks || miner.Dropped)
                {
                    silent++;
                    SetState(miner, LeaseState.Degraded);
                }
                else
                {
                    online++;
                    SetState(miner, LeaseState.Online);
                }
            }
            if (!Guard.Holds(due.Count, silent, silent + online, now))
            {
                foreach (Miner miner in due)
                {
                    // A heartbeat may have come since it was looked at.
                    if (_time.GetTimestamp() - _leases.HeardAt(miner.Slot) >= _graceTicks)
                    {
                        Exit(miner);
                        gone.Add(miner);
                    }
                }
            }
            OnlineCount = online;
            DegradedCount = silent - gone.Count;
        }
        _index.RefreshLatencyRanks();
        return gone;
    }

    /// <summary>The status of every miner that said something since the last call.</summary>
    public List<StoredStatus> TakeDirty()
    {
        List<StoredStatus> batch = [];
        foreach (Miner miner in _miners.Values)
        {
            if (miner.Dirty && miner.Profile is not null)
            {
                miner.Dirty = false;
                batch.Add(new StoredStatus(miner.Id, miner.QueueLen, miner.Busy, miner.AvgLatencyMs, miner.TempC, miner.MemFreeGb,
                    DateTimeOffset.FromUnixTimeMilliseconds(miner.LastSeenMs)));
            }
        }
        return batch;
    }

    private static int ServiceMs(Miner miner) =>
        float.IsNaN(miner.ReportedServiceMs) ? miner.AvgLatencyMs ?? -1 : (int)miner.ReportedServiceMs;

    private void Revive(Miner miner)
    {
        lock (_gate)
        {
            if (miner.Profile is null)
            {
                return;
            }
            miner.Dropped = false;
            if (miner.Slot == Miner.NoSlot)
            {
                Enter(miner, LeaseState.Online, _time.GetTimestamp());
            }
            else
            {
                SetState(miner, LeaseState.Online);
            }
        }
    }

    private void Enter(Miner miner, LeaseState state, long heardAt)
    {
        bool ejected = _trust.IsEjected(miner.Id, _time.GetUtcNow());
        miner.Slot = _index.Add(miner.Id, miner.Profile!, state == LeaseState.Degraded, !miner.Draining && !ejected, _trust.Score(miner.Id));
        miner.State = state;
        _leases.Put(miner.Slot, miner, heardAt);
        _index.SetLoad(miner.Slot, miner.Load);
        _index.SetServiceMs(miner.Slot, ServiceMs(miner));
        if (!float.IsNaN(miner.RttMs))
        {
            _index.SetRtt(miner.Slot, (int)miner.RttMs);
        }
    }

    private void Exit(Miner miner)
    {
        if (miner.Slot != Miner.NoSlot)
        {
            _leases.Clear(miner.Slot);
            _index.Remove(miner.Slot);
            miner.Slot = Miner.NoSlot;
        }
        miner.State = LeaseState.Offline;
        miner.RttMs = float.NaN;
    }

    private void SetState(Miner miner, LeaseState state)
    {
        if (miner.State != state)
        {
            miner.State = state;
            _index.SetDegraded(miner.Slot, state == LeaseState.Degraded);
        }
    }

    private void OfferOrNot(Miner miner)
    {
        if (miner.Slot != Miner.NoSlot)
        {
            _index.SetAvailable(miner.Slot, !miner.Draining && !_trust.IsEjected(miner.Id, _time.GetUtcNow()));
        }
    }

    private void OnStandingChanged(string minerId)
    {
        if (_miners.TryGetValue(minerId, out Miner? miner))
        {
            lock (_gate)
            {
                if (miner.Slot != Miner.NoSlot)
                {
                    _index.SetTrust(miner.Slot, _trust.Score(minerId));
                    OfferOrNot(miner);
                }
            }
        }
    }

    private void Count()
    {
        OnlineCount = 0;
        DegradedCount = _index.Count;
    }
}

/// <summary>What a heartbeat or an update says; null where it does not.</summary>
internal readonly record struct MinerReport(
    int QueueLen, bool? Busy = null, int? CurrentJobs = null, int? AvgLatencyMs = null, int? TempC = null, double? MemFreeGb = null);

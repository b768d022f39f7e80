using PoolHub.Daemon.Storage;
using PoolHub.Protocol;

namespace PoolHub.Daemon.Registry;

internal enum LeaseState : byte
{
    Offline,
    Degraded,
    Online,
}

internal static class LeaseStates
{
    public static string Name(this LeaseState state) => state switch
    {
        LeaseState.Online => "online",
        LeaseState.Degraded => "degraded",
        _ => "offline",
    };
}

/// <summary>
/// One known miner. Its id never changes; structure (profile, epoch, state, slot) changes under the registry's lock;
/// status is written by whoever speaks for the miner, field by field, and read without a lock.
/// </summary>
internal sealed class Miner(string id)
{
    /// <summary>The slot of a miner that is not in the index.</summary>
    public const int NoSlot = -1;

    private const short UnknownTempC = short.MinValue;
    private const float RttSmoothing = 1 / 8f;
    private const float ServiceSmoothing = 0.2f;

    private volatile int _slot = NoSlot;
    private volatile LeaseState _state;
    private volatile bool _dirty;
    private volatile bool _dropped;
    private volatile bool _registered;
    private short _tempC = UnknownTempC;
    private int _avgLatencyMs = -1;
    private double _memFreeGb = double.NaN;
    private long _epoch;
    private long _atWorkSince;

    public string Id { get; } = id;

    /// <summary>
    /// Null until the miner has registered. Of one that was offered the index's copy, whose texts all miners share.
    /// </summary>
    public MinerProfile? Profile { get; set; }

    /// <summary>
    /// Numbers its sessions, and their ends by goodbye, as <see cref="SessionEpochs"/> tells; a session whose number it is
    /// not is over.
    /// </summary>
    public long Epoch { get => Volatile.Read(ref _epoch); set => Volatile.Write(ref _epoch, value); }

    public LeaseState State { get => _state; set => _state = value; }

    /// <summary>Its place in the match index and in the lease column.</summary>
    public int Slot { get => _slot; set => _slot = value; }

    /// <summary>The socket went away without a goodbye since the last heartbeat.</summary>
    public bool Dropped { get => _dropped; set => _dropped = value; }

    /// <summary>Its session has registered: it may speak of itself, and is offered. Changed under the registry's lock.</summary>
    public bool Registered { get => _registered; set => _registered = value; }

    /// <summary>
    /// Timestamp from which the hub is at work on what it said and reads no further; zero while it reads. Its silence is
    /// the hub's then, for a lease at most.
    /// </summary>
    public long AtWorkSince { get => Volatile.Read(ref _atWorkSince); set => Volatile.Write(ref _atWorkSince, value); }

    /// <summary>An admin has the hub offer it no jobs.</summary>
    public bool Draining { get; set; }

    public int QueueLen { get; set; }
    public bool Busy { get; set; }
    public int CurrentJobs { get; set; }

    // Each one word, and half as large as what may be null: there are as many as there are miners.
    public int? AvgLatencyMs { get => _avgLatencyMs < 0 ? null : _avgLatencyMs; set => _avgLatencyMs = value ?? -1; }
    public int? TempC { get => _tempC == UnknownTempC ? null : _tempC; set => _tempC = (short?)value ?? UnknownTempC; }
    public double? MemFreeGb { get => double.IsNaN(_memFreeGb) ? null : _memFreeGb; set => _memFreeGb = value ?? double.NaN; }

    /// <summary>Smoothed round trip in ms as the hub measured it; NaN when it was not.</summary>
    public float RttMs { get; set; } = float.NaN;

    /// <summary>Smoothed duration of its completed jobs in ms as coordinators reported it; NaN when none did.</summary>
    public float ReportedServiceMs { get; set; } = float.NaN;

    /// <summary>Unix ms; zero when never.</summary>
    public long LastSeenMs { get; set; }

    /// <summary>Whether its status has changed since it was last stored.</summary>
    public bool Dirty { get => _dirty; set => _dirty = value; }

    /// <summary>Jobs that run or wait: whatever of its three signs says the most.</summary>
    public int Load => Math.Max(QueueLen, Math.Max(CurrentJobs, Busy ? 1 : 0));

    /// <summary>A miner as it was stored. One last seen in the future was seen before the clock went back: as good as now.</summary>
    public static Miner Restore(StoredMiner stored, DateTimeOffset now)
    {
        var miner = new Miner(stored.MinerId)
        {
            Profile = stored.Profile,
            Epoch = stored.Epoch,
            Registered = stored.Profile is not null && !stored.HasLeft,
            Draining = stored.Draining,
        };
        if (stored.LastSeenAt is { } seenAt)
        {
            miner.LastSeenMs = (seenAt < now ? seenAt : now).ToUnixTimeMilliseconds();
        }
        if (stored.Status is { } status)
        {
            (miner.QueueLen, miner.Busy, miner.AvgLatencyMs, miner.TempC, miner.MemFreeGb) =
                (status.QueueLen, status.Busy, status.AvgLatencyMs, status.TempC, status.MemFreeGb);
        }
        return miner;
    }

    public StoredStatus ToStatus() => new(
        Id, QueueLen, Busy, AvgLatencyMs, TempC, MemFreeGb, DateTimeOffset.FromUnixTimeMilliseconds(LastSeenMs));

    public void Seen(DateTimeOffset now)
    {
        LastSeenMs = now.ToUnixTimeMilliseconds();
        Dirty = true;
    }

    /// <summary>Takes over what it says; what it does not say stays, as far as an empty queue leaves room for it.</summary>
    public void Take(in MinerReport report)
    {
        QueueLen = report.QueueLen;
        Busy = report.Busy ?? (Busy && report.QueueLen > 0);
        CurrentJobs = report.CurrentJobs ?? Math.Min(CurrentJobs, report.QueueLen);
        AvgLatencyMs = report.AvgLatencyMs ?? AvgLatencyMs;
        TempC = report.TempC ?? TempC;
        MemFreeGb = report.MemFreeGb ?? MemFreeGb;
    }

    /// <summary>A session begins idle: what the one before had to do is not its own.</summary>
    public void BeginIdle() => (QueueLen, Busy, CurrentJobs) = (0, false, 0);

    /// <summary>Smooths round trips as TCP does (RFC 6298).</summary>
    public void TakeRtt(float ms) => RttMs = Smooth(RttMs, ms, RttSmoothing);

    public void TakeService(float ms) => ReportedServiceMs = Smooth(ReportedServiceMs, ms, ServiceSmoothing);

    private static float Smooth(float before, float next, float share) =>
        float.IsNaN(before) ? next : before + ((next - before) * share);
}

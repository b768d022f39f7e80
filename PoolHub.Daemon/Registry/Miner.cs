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

    private volatile int _slot = NoSlot;
    private volatile LeaseState _state;
    private volatile bool _dirty;

    public string Id { get; } = id;

    /// <summary>Null until the miner has registered.</summary>
    public MinerProfile? Profile { get; set; }

    /// <summary>Counts its sessions.</summary>
    public long Epoch { get; set; }

    public LeaseState State { get => _state; set => _state = value; }

    /// <summary>Its place in the match index and in the lease column.</summary>
    public int Slot { get => _slot; set => _slot = value; }

    /// <summary>The socket went away without a goodbye since the last heartbeat.</summary>
    public bool Dropped { get; set; }
    public bool Draining { get; set; }

    public int QueueLen { get; set; }
    public bool Busy { get; set; }
    public int CurrentJobs { get; set; }
    public int? AvgLatencyMs { get; set; }
    public int? TempC { get; set; }
    public double? MemFreeGb { get; set; }

    /// <summary>Smoothed round trip in ms as the hub measured it; NaN when it was not.</summary>
    public float RttMs { get; set; } = float.NaN;

    /// <summary>Smoothed duration of its completed jobs in ms as coordinators reported it; NaN when none did.</summary>
    public float ReportedServiceMs { get; set; } = float.NaN;

    /// <summary>Unix ms; zero when never.</summary>
    public long LastSeenMs { get; set; }

    /// <summary>Whether its status has changed since it was last stored.</summary>
    public bool Dirty { get => _dirty; set => _dirty = value; }

    /// <summary>Connections in the minute that began at <see cref="FlapWindowStart"/>.</summary>
    public int FlapCount { get; set; }
    public long FlapWindowStart { get; set; }

    /// <summary>Timestamp until which it is refused; zero when it is not.</summary>
    public long FlapBanUntil { get; set; }

    /// <summary>Jobs that run or wait: whatever of its three signs says the most.</summary>
    public int Load => Math.Max(QueueLen, Math.Max(CurrentJobs, Busy ? 1 : 0));
}

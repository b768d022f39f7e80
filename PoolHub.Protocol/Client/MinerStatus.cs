namespace PoolHub.Protocol.Client;

/// <summary>How busy a miner is and how it feels.</summary>
/// <param name="QueueLen">Jobs that run or wait.</param>
/// <param name="Busy">True counts as at least one job, also when the queue is empty.</param>
/// <param name="CurrentJobs">The ids of the jobs that run; null means none.</param>
/// <param name="AvgLatencyMs">Its own claim of its mean job latency; null when it does not say.</param>
/// <param name="TempC">The hottest GPU.</param>
/// <param name="MemFreeGb">Free GPU memory.</param>
public readonly record struct MinerStatus(
    int QueueLen = 0,
    bool Busy = false,
    string[]? CurrentJobs = null,
    int? AvgLatencyMs = null,
    int? TempC = null,
    double? MemFreeGb = null)
{
    /// <summary>Whether what only an update carries is the same.</summary>
    internal bool SameJobs(MinerStatus other) =>
        Busy == other.Busy && (CurrentJobs ?? []).AsSpan().SequenceEqual(other.CurrentJobs ?? []);

    /// <exception cref="ArgumentException">A value is out of its limits.</exception>
    internal void ThrowIfInvalid()
    {
        string? field = this switch
        {
            { QueueLen: < 0 or > Limits.MaxQueueLen } => "queue_len",
            { AvgLatencyMs: < 0 or > Limits.MaxLatencyMs } => "avg_latency_ms",
            { TempC: < Limits.MinTempC or > Limits.MaxTempC } => "temp_c",
            { MemFreeGb: < 0 or > Limits.MaxRamGb or double.NaN } => "mem_free_gb",
            { CurrentJobs.Length: > Limits.MaxCurrentJobs } => "current_jobs",
            _ => null,
        };
        foreach (string? job in CurrentJobs ?? [])
        {
            if (job is null or { Length: > Limits.JobIdChars } || !Texts.IsPrintable(job))
            {
                field ??= "current_jobs";
            }
        }
        if (field is not null)
        {
            throw new ArgumentException($"{field} is out of its limits");
        }
    }
}

/// <summary>Where a <see cref="MinerClient"/> stands.</summary>
public enum MinerClientState
{
    /// <summary>Not started.</summary>
    Idle,
    /// <summary>Opening a connection and greeting the hub.</summary>
    Connecting,
    /// <summary>Greeted; the profile is on its way.</summary>
    Registering,
    /// <summary>The hub offers the miner; heartbeats flow.</summary>
    Online,
    /// <summary>Waits before it connects again.</summary>
    BackingOff,
    /// <summary>Ended, and will not start again.</summary>
    Stopped,
}

/// <summary>A change of state and what brought it about.</summary>
public sealed class MinerStateEventArgs(
    MinerClientState previous, MinerClientState state, CloseReason? reason, string detail, TimeSpan retryIn) : EventArgs
{
    /// <summary>Where the client stood before.</summary>
    public MinerClientState Previous { get; } = previous;

    /// <summary>Where it stands now.</summary>
    public MinerClientState State { get; } = state;

    /// <summary>Why the last conversation ended; null when none has.</summary>
    public CloseReason? Reason { get; } = reason;

    /// <summary>For a person; may be empty.</summary>
    public string Detail { get; } = detail;

    /// <summary>With <see cref="MinerClientState.BackingOff"/>: how long.</summary>
    public TimeSpan RetryIn { get; } = retryIn;
}

/// <summary>
/// The hub will not have this miner as it is, and trying again would not change it: wrong key, revoked key, a protocol
/// version that the hub does not speak, or a profile that it refuses.
/// </summary>
public sealed class MinerRefusedException : Exception
{
    /// <inheritdoc/>
    public MinerRefusedException()
    {
    }

    /// <inheritdoc/>
    public MinerRefusedException(string message)
        : base(message)
    {
    }

    /// <inheritdoc/>
    public MinerRefusedException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>What the hub said; null when the profile or an option is at fault.</summary>
    public CloseReason? Reason { get; init; }

    /// <summary>The field at fault, when one is.</summary>
    public string? Field { get; init; }
}

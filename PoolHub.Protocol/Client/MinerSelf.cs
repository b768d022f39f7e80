using PoolHub.Protocol.Wire;

namespace PoolHub.Protocol.Client;

/// <summary>What a miner knows of itself and keeps from one conversation to the next.</summary>
internal sealed class MinerSelf(MinerClientOptions options)
{
    private readonly Lock _lock = new();
    private MinerStatus _status;
    private Error? _lastError;

    public MinerClientOptions Options { get; } = options;

    public MinerProfile Profile { get; set; } = options.Profile;

    /// <summary>The profile as the hub last heard it; another one must be told to it.</summary>
    public MinerProfile? ToldProfile { get; set; }

    public string? SessionToken { get; set; } = options.SessionToken;
    public long Epoch { get; set; }
    public bool Draining { get; set; }
    public int NextHeartbeatSec { get; set; }
    public TimeSpan LastRoundTrip { get; set; }

    // Written by one task, read by any.
    public long HeartbeatsSent;
    public long HeartbeatsAcked;
    public long PingsAnswered;
    public long CommandsReceived;
    public long ErrorsReceived;
    public long Connections;

    public MinerStatus Status
    {
        get
        {
            lock (_lock)
            {
                return _status;
            }
        }
        set
        {
            lock (_lock)
            {
                _status = value;
            }
        }
    }

    public Error? LastError
    {
        get
        {
            lock (_lock)
            {
                return _lastError;
            }
        }
        set
        {
            lock (_lock)
            {
                _lastError = value;
            }
        }
    }
}

namespace PoolHub.Protocol;

/// <summary>The largest and smallest values that either side accepts; see docs/protocol.md, "Types and limits".</summary>
public static class Limits
{
    /// <summary>The protocol version that this library speaks.</summary>
    public const int ProtocolVersion = 1;

    /// <summary>Bytes of a frame's body, without its 4-byte prefix.</summary>
    public const int MaxFrameBytes = 65_536;

    /// <summary>Bytes of an HTTP request body.</summary>
    public const int MaxBodyBytes = 262_144;

    /// <summary>Characters of a miner's id.</summary>
    public const int MinerIdChars = 64;

    /// <summary>Characters of a key, of a hub's making or not.</summary>
    public const int ApiKeyChars = 128;

    /// <summary>Characters of a session token.</summary>
    public const int SessionTokenChars = 256;

    /// <summary>Characters of a job's id.</summary>
    public const int JobIdChars = 128;

    /// <summary>Hexadecimal digits of a match's id.</summary>
    public const int MatchIdChars = 32;

    /// <summary>Characters of the address at which coordinators reach a miner.</summary>
    public const int AddrChars = 255;

    /// <summary>Characters of a card's name.</summary>
    public const int GpuNameChars = 128;

    /// <summary>Characters of an owner's name.</summary>
    public const int OwnerChars = 64;

    /// <summary>Characters of a region.</summary>
    public const int RegionChars = 64;

    /// <summary>Characters of one entry of a list of terms, of a feature and of a fail code.</summary>
    public const int TermChars = 128;

    /// <summary>Characters of a detail for people.</summary>
    public const int DetailChars = 512;

    /// <summary>Tags of one miner.</summary>
    public const int MaxTags = 64;

    /// <summary>Capabilities of one miner.</summary>
    public const int MaxCapabilities = 256;

    /// <summary>Accelerators of one miner.</summary>
    public const int MaxAccel = 16;

    /// <summary>Jobs that one update names.</summary>
    public const int MaxCurrentJobs = 1024;

    /// <summary>Features that a hello or a welcome names.</summary>
    public const int MaxFeatures = 32;

    /// <summary>GB of a miner's GPU memory.</summary>
    public const double MaxGpuVramGb = 65_536;

    /// <summary>GB of a miner's memory; free GPU memory has this limit too.</summary>
    public const double MaxRamGb = 1_048_576;

    /// <summary>Cores of one miner.</summary>
    public const int MaxCpuCores = 65_536;

    /// <summary>Jobs that one miner runs at once.</summary>
    public const int MaxParallel = 10_000;

    /// <summary>Jobs that run or wait on one miner.</summary>
    public const int MaxQueueLen = 1_000_000;

    /// <summary>Milliseconds of a claimed latency, of a job and of a deadline: an hour.</summary>
    public const int MaxLatencyMs = 3_600_000;

    /// <summary>Degrees Celsius of the hottest GPU, at least.</summary>
    public const int MinTempC = -100;

    /// <summary>Degrees Celsius of the hottest GPU, at most.</summary>
    public const int MaxTempC = 1_000;

    /// <summary>Candidates of one match.</summary>
    public const int MaxTopK = 100;

    /// <summary>Milliseconds of a hold: ten minutes.</summary>
    public const int MaxHoldMs = 600_000;

    /// <summary>Match requests of one batch.</summary>
    public const int MaxBatch = 256;
}

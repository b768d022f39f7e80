namespace PoolHub.Protocol;

/// <summary>The largest and smallest values that either side accepts; see docs/protocol.md, "Limits".</summary>
public static class Limits
{
    /// <summary>The protocol version that this library speaks.</summary>
    public const int ProtocolVersion = 1;

    /// <summary>Bytes of a frame's body, without its 4-byte prefix.</summary>
    public const int MaxFrameBytes = 65_536;

    /// <summary>Bytes of an HTTP request body.</summary>
    public const int MaxBodyBytes = 262_144;

    public const int MinerIdChars = 64;
    public const int ApiKeyChars = 128;
    public const int SessionTokenChars = 256;
    public const int JobIdChars = 128;
    public const int MatchIdChars = 32;
    public const int AddrChars = 255;
    public const int GpuNameChars = 128;
    public const int OwnerChars = 64;
    public const int TermChars = 128;
    public const int DetailChars = 512;

    public const int MaxTags = 64;
    public const int MaxCapabilities = 256;
    public const int MaxAccel = 16;
    public const int MaxCurrentJobs = 1024;
    public const int MaxFeatures = 32;

    public const double MaxGpuVramGb = 65_536;
    public const double MaxRamGb = 1_048_576;
    public const int MaxCpuCores = 65_536;
    public const int MaxParallel = 10_000;
    public const int MaxQueueLen = 1_000_000;
    public const int MaxLatencyMs = 3_600_000;
    public const int MinTempC = -100;
    public const int MaxTempC = 1_000;
    public const int MaxTopK = 100;
    public const int MaxHoldMs = 600_000;

    /// <summary>Match requests of one batch.</summary>
    public const int MaxBatch = 256;
}

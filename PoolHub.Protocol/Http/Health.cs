namespace PoolHub.Protocol.Http;

/// <summary>Answer to <c>GET /v1/health</c>: whether the hub does all that it should.</summary>
public sealed record HealthResponse
{
    /// <summary><c>ok</c> or <c>degraded</c>.</summary>
    public required string Status { get; init; }

    /// <summary>Miners whose lease runs.</summary>
    public required int OnlineMiners { get; init; }

    /// <summary>Miners whose lease is over but not yet their grace, or whose socket dropped.</summary>
    public required int DegradedMiners { get; init; }

    /// <summary>Mean round trip to the miners that have a socket open; absent when none was measured.</summary>
    public double? AvgLatencyMs { get; init; }

    /// <summary>Why the status is not <c>ok</c>.</summary>
    public string[]? Reasons { get; init; }

    /// <summary>The hub's own, such as <c>0.1.0</c>.</summary>
    public required string Version { get; init; }

    /// <summary>Seconds since the hub started.</summary>
    public required long UptimeSec { get; init; }
}

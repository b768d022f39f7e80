using System.Text.Json.Serialization;

namespace PoolHub.Protocol.Http;

public sealed record HealthResponse
{
    /// <summary><c>ok</c> or <c>degraded</c>.</summary>
    public required string Status { get; init; }
    public required int OnlineMiners { get; init; }
    public required int DegradedMiners { get; init; }

    /// <summary>Mean round trip to the miners that have a socket open; absent when none was measured.</summary>
    public double? AvgLatencyMs { get; init; }

    /// <summary>Why the status is not <c>ok</c>.</summary>
    public string[]? Reasons { get; init; }
    public required string Version { get; init; }
    public required long UptimeSec { get; init; }
}

/// <summary>One page of <c>GET /v1/miners</c>.</summary>
public sealed record MinerPage
{
    public required MinerSnapshot[] Miners { get; init; }

    /// <summary>Give it back as <c>cursor</c> for the next page; absent on the last.</summary>
    public string? NextCursor { get; init; }
}

/// <summary>Everything the hub knows of one miner.</summary>
public sealed record MinerSnapshot
{
    public required string MinerId { get; init; }

    /// <summary><c>online</c>, <c>degraded</c> or <c>offline</c>.</summary>
    public required string State { get; init; }

    /// <summary><c>tcp</c>, <c>ws</c> or <c>http</c>; absent when no session is open.</summary>
    public string? Transport { get; init; }
    public required long Epoch { get; init; }
    public required string Addr { get; init; }
    public required string Proto { get; init; }
    public required string GpuName { get; init; }
    public required double GpuVramGb { get; init; }
    public required int CpuCores { get; init; }
    public required double RamGb { get; init; }
    public required TokenPrice PriceTokenPerKsec { get; init; }

    /// <summary>What it is offered at in place of its own price; absent when no admin has set it.</summary>
    public PriceOverrideView? PriceOverride { get; init; }
    public required int MaxParallel { get; init; }
    public required string Region { get; init; }
    public required string Owner { get; init; }
    public required string[] Accel { get; init; }
    public required string[] Tags { get; init; }
    public required string[] Capabilities { get; init; }
    public required int QueueLen { get; init; }
    public required bool Busy { get; init; }

    /// <summary>Slots that matches hold, beside the queue.</summary>
    public int Held { get; init; }

    /// <summary>Measured by the hub.</summary>
    public double? RttMs { get; init; }

    /// <summary>Claimed by the miner.</summary>
    public int? AvgLatencyMs { get; init; }
    public int? TempC { get; init; }
    public double? MemFreeGb { get; init; }
    public required double TrustScore { get; init; }
    public required bool Draining { get; init; }
    public int? EjectedForSec { get; init; }
    public DateTimeOffset? LastSeenAt { get; init; }
}

/// <summary>Body of <c>POST /v1/miners/{id}/commands</c>; only the fields of the command's kind are read.</summary>
public sealed record CommandRequest
{
    /// <summary><c>set_price_cap</c>, <c>update_tags</c>, <c>drain</c> or <c>reconnect</c>.</summary>
    public string? Command { get; init; }
    public TokenPrice? PriceTokenPerKsec { get; init; }
    public string[]? Tags { get; init; }
    public bool? On { get; init; }
    public string? Addr { get; init; }
    public int? DelayMs { get; init; }

    /// <summary>How long to wait for the acknowledgement, 0 to 60,000; 5,000 when absent.</summary>
    public int? WaitMs { get; init; }
}

public sealed record CommandResponse
{
    public required string MinerId { get; init; }
    public required long CommandId { get; init; }

    /// <summary><c>accepted</c>, <c>refused</c>, or <c>pending</c> when no acknowledgement came in time.</summary>
    public required string Status { get; init; }
    public string? Detail { get; init; }
}

/// <summary>Body of <c>PUT /v1/miners/{id}/price</c>.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record PriceRequest
{
    public TokenPrice? PriceTokenPerKsec { get; init; }

    /// <summary>From when on the miner's own price counts again; absent: until the override is deleted.</summary>
    public DateTimeOffset? EndsAt { get; init; }
}

/// <summary>An admin's price for a miner.</summary>
public sealed record PriceOverrideView
{
    public required TokenPrice PriceTokenPerKsec { get; init; }
    public DateTimeOffset? EndsAt { get; init; }
}

/// <summary>Answer to <c>PUT</c> and <c>DELETE /v1/miners/{id}/price</c>.</summary>
public sealed record PriceResponse
{
    public required string MinerId { get; init; }

    /// <summary>What it is offered at now.</summary>
    public required TokenPrice PriceTokenPerKsec { get; init; }

    /// <summary>What it asks itself.</summary>
    public required TokenPrice OwnPrice { get; init; }
    public DateTimeOffset? EndsAt { get; init; }
}

/// <summary>Answer to <c>POST /v1/miners/accept-loss</c>.</summary>
public sealed record AcceptLossResponse
{
    /// <summary>How many miners the mass-loss guard was holding.</summary>
    public required int Released { get; init; }
}

/// <summary>RFC 9457 problem details, the body of every answer of 400 and above.</summary>
public sealed record Problem
{
    public required string Type { get; init; }
    public required string Title { get; init; }
    public required int Status { get; init; }
    public string? Detail { get; init; }

    /// <summary>The request's field at fault, as a path such as <c>hints.max_price</c>.</summary>
    public string? Field { get; init; }

    /// <summary>With 429 and 503: seconds, as in the header.</summary>
    public int? RetryAfterSec { get; init; }
}

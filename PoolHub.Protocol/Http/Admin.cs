using System.Text.Json.Serialization;

namespace PoolHub.Protocol.Http;

/// <summary>One page of <c>GET /v1/miners</c>.</summary>
public sealed record MinerPage
{
    /// <summary>In the order of their ids.</summary>
    public required MinerSnapshot[] Miners { get; init; }

    /// <summary>Give it back as <c>cursor</c> for the next page; absent on the last.</summary>
    public string? NextCursor { get; init; }
}

/// <summary>Everything the hub knows of one miner.</summary>
public sealed record MinerSnapshot
{
    /// <summary>The id under which it registered.</summary>
    public required string MinerId { get; init; }

    /// <summary><c>online</c>, <c>degraded</c> or <c>offline</c>.</summary>
    public required string State { get; init; }

    /// <summary><c>tcp</c>, <c>ws</c> or <c>http</c>; absent when no session is open.</summary>
    public string? Transport { get; init; }

    /// <summary>Numbers the miner's session: each that begins has a greater one and ends the one before.</summary>
    public required long Epoch { get; init; }

    /// <inheritdoc cref="MinerProfile.Addr"/>
    public required string Addr { get; init; }

    /// <inheritdoc cref="MinerProfile.Proto"/>
    public required string Proto { get; init; }

    /// <inheritdoc cref="MinerProfile.GpuName"/>
    public required string GpuName { get; init; }

    /// <inheritdoc cref="MinerProfile.GpuVramGb"/>
    public required double GpuVramGb { get; init; }

    /// <inheritdoc cref="MinerProfile.CpuCores"/>
    public required int CpuCores { get; init; }

    /// <inheritdoc cref="MinerProfile.RamGb"/>
    public required double RamGb { get; init; }

    /// <summary>The miner's own price; what it is offered at, when no admin has set another.</summary>
    public required TokenPrice PriceTokenPerKsec { get; init; }

    /// <summary>What it is offered at in place of its own price; absent when no admin has set it.</summary>
    public PriceOverrideView? PriceOverride { get; init; }

    /// <inheritdoc cref="MinerProfile.MaxParallel"/>
    public required int MaxParallel { get; init; }

    /// <inheritdoc cref="MinerProfile.Region"/>
    public required string Region { get; init; }

    /// <inheritdoc cref="MinerProfile.Owner"/>
    public required string Owner { get; init; }

    /// <inheritdoc cref="MinerProfile.Accel"/>
    public required string[] Accel { get; init; }

    /// <inheritdoc cref="MinerProfile.Tags"/>
    public required string[] Tags { get; init; }

    /// <inheritdoc cref="MinerProfile.Capabilities"/>
    public required string[] Capabilities { get; init; }

    /// <summary>Jobs that run or wait on it, as it last said.</summary>
    public required int QueueLen { get; init; }

    /// <summary>Whether it said that it works, which counts as one job also when the queue is empty.</summary>
    public required bool Busy { get; init; }

    /// <summary>Slots that matches hold, beside the queue.</summary>
    public int Held { get; init; }

    /// <summary>Measured by the hub.</summary>
    public double? RttMs { get; init; }

    /// <summary>Claimed by the miner.</summary>
    public int? AvgLatencyMs { get; init; }

    /// <summary>The hottest GPU, degrees Celsius; absent when it does not say.</summary>
    public int? TempC { get; init; }

    /// <summary>Free GPU memory, GB; absent when it does not say.</summary>
    public double? MemFreeGb { get; init; }

    /// <summary>0 to 1, learnt from feedback; 0.5 of a miner of which nothing is known.</summary>
    public required double TrustScore { get; init; }

    /// <summary>Whether it is to get no more jobs.</summary>
    public required bool Draining { get; init; }

    /// <summary>For how many seconds more it is not offered, after failing too often; absent when it is.</summary>
    public int? EjectedForSec { get; init; }

    /// <summary>Its last sign of life; absent when there was none.</summary>
    public DateTimeOffset? LastSeenAt { get; init; }
}

/// <summary>Body of <c>POST /v1/miners/{id}/commands</c>; only the fields of the command's kind are read.</summary>
public sealed record CommandRequest
{
    /// <summary><c>set_price_cap</c>, <c>update_tags</c>, <c>drain</c> or <c>reconnect</c>.</summary>
    public string? Command { get; init; }

    /// <summary>Of <c>set_price_cap</c>: ask no more than this.</summary>
    public TokenPrice? PriceTokenPerKsec { get; init; }

    /// <summary>Of <c>update_tags</c>: what replaces the tags.</summary>
    public string[]? Tags { get; init; }

    /// <summary>Of <c>drain</c>: whether to take no more jobs, or to take them again.</summary>
    public bool? On { get; init; }

    /// <summary>Of <c>drain</c>: whether the hub does so also when the miner refuses; else a refusal takes it back.</summary>
    public bool? Force { get; init; }

    /// <summary>Of <c>reconnect</c>: host and port of the hub to go to; empty or absent: the same one.</summary>
    public string? Addr { get; init; }

    /// <summary>Of <c>reconnect</c>: how long to stay away before.</summary>
    public int? DelayMs { get; init; }

    /// <summary>How long to wait for the acknowledgement, 0 to 60,000; 5,000 when absent.</summary>
    public int? WaitMs { get; init; }
}

/// <summary>Answer to <c>POST /v1/miners/{id}/commands</c>.</summary>
public sealed record CommandResponse
{
    /// <summary>The miner that was asked.</summary>
    public required string MinerId { get; init; }

    /// <summary>Counts the commands of the miner's session; absent of a drain when none is open.</summary>
    public long? CommandId { get; init; }

    /// <summary><c>accepted</c>, <c>refused</c>, or <c>pending</c> when no acknowledgement came in time.</summary>
    public required string Status { get; init; }

    /// <summary>What the miner or the hub says to it, for a person; absent when it says nothing.</summary>
    public string? Detail { get; init; }
}

/// <summary>Body of <c>PUT /v1/miners/{id}/price</c>.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record PriceRequest
{
    /// <summary>What the miner is offered at from now on; required.</summary>
    public TokenPrice? PriceTokenPerKsec { get; init; }

    /// <summary>From when on the miner's own price counts again; absent: until the override is deleted.</summary>
    public DateTimeOffset? EndsAt { get; init; }
}

/// <summary>An admin's price for a miner.</summary>
public sealed record PriceOverrideView
{
    /// <summary>What the miner is offered at in place of its own price.</summary>
    public required TokenPrice PriceTokenPerKsec { get; init; }

    /// <summary>From when on its own price counts again; absent: until the override is deleted.</summary>
    public DateTimeOffset? EndsAt { get; init; }
}

/// <summary>Answer to <c>PUT</c> and <c>DELETE /v1/miners/{id}/price</c>.</summary>
public sealed record PriceResponse
{
    /// <summary>The miner whose price was set or cleared.</summary>
    public required string MinerId { get; init; }

    /// <summary>What it is offered at now.</summary>
    public required TokenPrice PriceTokenPerKsec { get; init; }

    /// <summary>What it asks itself.</summary>
    public required TokenPrice OwnPrice { get; init; }

    /// <summary>From when on its own price counts again; absent when that is not settled, or it counts already.</summary>
    public DateTimeOffset? EndsAt { get; init; }
}

/// <summary>Answer to <c>POST /v1/miners/accept-loss</c>.</summary>
public sealed record AcceptLossResponse
{
    /// <summary>How many miners the mass-loss guard was holding.</summary>
    public required int Released { get; init; }
}

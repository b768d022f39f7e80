namespace PoolHub.Protocol.Http;

/// <summary>Answer to <c>GET /v1/bans</c>: who is kept out now, the longest first.</summary>
public sealed record BansResponse
{
    /// <summary>No more than so many are listed.</summary>
    public const int MaxBans = 1_000;

    /// <summary>At most <see cref="MaxBans"/>.</summary>
    public required Ban[] Bans { get; init; }
}

/// <summary>A ban of an address or of a miner id.</summary>
public sealed record Ban
{
    /// <summary><see cref="Reason"/>: too many logins failed.</summary>
    public const string Logins = "logins";

    /// <summary><see cref="Reason"/>: the address came too often without a byte; the kernel drops what it sends.</summary>
    public const string Wordless = "wordless";

    /// <summary><see cref="Logins"/> or <see cref="Wordless"/>.</summary>
    public required string Reason { get; init; }

    /// <summary>An IPv4 address or an IPv6 /64; null when it is a miner id.</summary>
    public string? Address { get; init; }

    /// <summary>The id as which nobody may log in; null when it is an address.</summary>
    public string? MinerId { get; init; }

    /// <summary>Seconds until it lifts by itself.</summary>
    public required int EndsInSec { get; init; }

    /// <summary>How many bans it has had lately, this one counted: each is twice as long as the one before.</summary>
    public required int Count { get; init; }
}

/// <summary>Answer to <c>DELETE /v1/bans</c>.</summary>
public sealed record LiftResponse
{
    /// <summary>The address or the miner id.</summary>
    public required string Lifted { get; init; }
}

using System.Text.Json.Serialization;

namespace PoolHub.Protocol.Http;

/// <summary>Body of <c>POST /v1/match/{match_id}/release</c>, which may be empty.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record ReleaseRequest
{
    /// <summary>Only the hold on this miner; all of the match when absent.</summary>
    public string? MinerId { get; init; }
}

/// <summary>Answer to <c>POST /v1/match/{match_id}/release</c>.</summary>
public sealed record ReleaseResponse
{
    /// <summary>How many holds it ended; 0 when they had ended before.</summary>
    public required int Released { get; init; }
}

/// <summary>Body of <c>POST /v1/match/{match_id}/renew</c>, which may be empty.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record RenewRequest
{
    /// <summary>Only the hold on this miner; all of the match that have not ended when absent.</summary>
    public string? MinerId { get; init; }

    /// <summary>For how long from now, 1 to 600,000; as long as the match asked for when absent.</summary>
    public int? HoldMs { get; init; }
}

/// <summary>Answer to <c>POST /v1/match/{match_id}/renew</c>.</summary>
public sealed record RenewResponse
{
    /// <summary>What was renewed, best candidate first; never empty.</summary>
    public required HeldMiner[] Holds { get; init; }
}

/// <summary>A hold that was renewed.</summary>
public sealed record HeldMiner
{
    /// <summary>Of whom a slot is held.</summary>
    public required string MinerId { get; init; }

    /// <summary>For how long it is held from now on.</summary>
    public required int HoldExpiresInMs { get; init; }
}

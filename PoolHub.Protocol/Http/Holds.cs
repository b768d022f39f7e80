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

    /// <summary>Those of the match's holds that have ended; absent when none has.</summary>
    public EndedMiner[]? Ended { get; init; }
}

/// <summary>A hold that was renewed.</summary>
public sealed record HeldMiner
{
    /// <summary>Of whom a slot is held.</summary>
    public required string MinerId { get; init; }

    /// <summary>For how long it is held from now on.</summary>
    public required int HoldExpiresInMs { get; init; }

    /// <summary>What it is offered at now.</summary>
    public TokenPrice? Price { get; init; }

    /// <summary>What the match answered, when the price is another now; absent otherwise.</summary>
    public TokenPrice? MatchedPrice { get; init; }

    /// <summary>How many jobs it runs at once now.</summary>
    public int? MaxParallel { get; init; }

    /// <summary>How many it ran when it was matched, when that is another number now; absent otherwise.</summary>
    public int? MatchedMaxParallel { get; init; }
}

/// <summary>A hold that has ended.</summary>
public sealed record EndedMiner
{
    /// <summary>Of whom a slot was held.</summary>
    public required string MinerId { get; init; }

    /// <summary><c>feedback</c>, <c>release</c>, <c>expiry</c>, <c>gone</c> or <c>shrunk</c>.</summary>
    public required string Reason { get; init; }
}

/// <summary>Body of <c>POST /v1/holds/release</c>: all that fit are released. One of the first three is needed.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record ReleaseHoldsRequest
{
    /// <summary>Those of this job.</summary>
    public string? JobId { get; init; }

    /// <summary>Those on this miner.</summary>
    public string? MinerId { get; init; }

    /// <summary>Those of this match.</summary>
    public string? MatchId { get; init; }

    /// <summary>For admins: those of this coordinator; of all when absent.</summary>
    public string? Coordinator { get; init; }
}

/// <summary>Answer to <c>GET /v1/holds</c>, in the order in which the holds were made.</summary>
public sealed record HoldPage
{
    /// <summary>May be fewer than were asked for, and there may still be a next page.</summary>
    public required HoldView[] Holds { get; init; }

    /// <summary>Asks for the next page; absent on the last.</summary>
    public string? NextCursor { get; init; }
}

/// <summary>A slot that is held.</summary>
public sealed record HoldView
{
    /// <summary>The match that holds it.</summary>
    public required string MatchId { get; init; }

    /// <summary>That of the match.</summary>
    public required string JobId { get; init; }

    /// <summary>Of whom it is.</summary>
    public required string MinerId { get; init; }

    /// <inheritdoc cref="MinerProfile.Addr"/>
    public required string Addr { get; init; }

    /// <inheritdoc cref="MinerProfile.Proto"/>
    public required string Proto { get; init; }

    /// <summary>Whose hold it is; absent when the coordinator is named no more.</summary>
    public string? Coordinator { get; init; }

    /// <summary>What the miner is offered at now.</summary>
    public required TokenPrice Price { get; init; }

    /// <summary>For how long it is held still.</summary>
    public required int HoldExpiresInMs { get; init; }
}

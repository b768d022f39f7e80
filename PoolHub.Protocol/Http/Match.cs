using System.Text.Json.Serialization;

namespace PoolHub.Protocol.Http;

/// <summary>Body of <c>POST /v1/match</c>: who should run this job?</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record MatchRequest
{
    /// <summary>1 to 128 characters; required. Orders equal scores, so that different jobs spread.</summary>
    public string? JobId { get; init; }

    /// <summary>What the miner must have; absent: nothing.</summary>
    public MatchRequirements? Requirements { get; init; }

    /// <summary>Where it must be, what it may cost and how soon it must be done; absent: anywhere, anything, any time.</summary>
    public MatchHints? Hints { get; init; }

    /// <summary>How many candidates, 1 to 100; 3 when absent.</summary>
    public int? TopK { get; init; }

    /// <summary>The name of a weight profile; <c>default</c> when absent.</summary>
    public string? Weights { get; init; }

    /// <summary>Ids of miners that are not to be candidates, at most 256; unknown ones do no harm.</summary>
    public string[]? Exclude { get; init; }

    /// <summary><c>region</c> or <c>owner</c>: no two candidates are of the same.</summary>
    public string? SpreadBy { get; init; }

    /// <summary><c>full</c> asks for every candidate's breakdown.</summary>
    public string? Explain { get; init; }

    /// <summary>
    /// Holds one slot of every candidate for so long, 0 to 600,000; 0 holds nothing. When absent, as the hub is set.
    /// </summary>
    public int? HoldMs { get; init; }
}

/// <summary>What a miner must have to be a candidate; each that is absent asks for nothing.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record MatchRequirements
{
    /// <summary>1 to 123 characters: only miners that declare <c>task:NAME</c>, or no task at all.</summary>
    public string? Task { get; init; }

    /// <summary>GPU memory, GB, 0 to 65,536.</summary>
    public double? MinVramGb { get; init; }

    /// <summary>Memory of the machine, GB, 0 to 1,048,576.</summary>
    public double? MinRamGb { get; init; }

    /// <summary>The miner must have at least one of these accelerators, of at most 64.</summary>
    public string[]? Accel { get; init; }

    /// <summary>At least one of these tags, of at most 64.</summary>
    public string[]? TagsAny { get; init; }

    /// <summary>At least one of these, of at most 64; the more of them a miner has, the better its score.</summary>
    public string[]? CapabilitiesAny { get; init; }
}

/// <summary>Where a candidate must be, what it may cost and how soon it must be done.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record MatchHints
{
    /// <summary>Matches itself and what lies within: <c>eu</c> matches <c>eu-west-1</c>.</summary>
    public string? Region { get; init; }

    /// <summary>The dearest price at which a miner may be offered.</summary>
    public TokenPrice? MaxPrice { get; init; }

    /// <summary>Drops candidates whose <c>eta_ms</c> is known and exceeds it.</summary>
    public int? DeadlineMs { get; init; }
}

/// <summary>Answer to <c>POST /v1/match</c>. Nobody who passes is no error.</summary>
public sealed record MatchResponse
{
    /// <summary>Names this match from here on: 32 hexadecimal digits, later matches after earlier ones.</summary>
    public required string MatchId { get; init; }

    /// <summary>That of the request.</summary>
    public required string JobId { get; init; }

    /// <summary>An earlier match of the same coordinator that holds for this job, so that this one holds nothing; absent otherwise.</summary>
    public string? HeldBy { get; init; }

    /// <summary>Best first; empty when nobody passes.</summary>
    public required Candidate[] Candidates { get; init; }

    /// <summary>One line for a person: the best candidate's terms, or why there is none.</summary>
    public required string Explain { get; init; }

    /// <summary>Every clause in the order in which it was applied.</summary>
    public required ClauseCount[] Clauses { get; init; }
}

/// <summary>A miner that passes every clause, and its score.</summary>
public sealed record Candidate
{
    /// <summary>Whom to name in the feedback.</summary>
    public required string MinerId { get; init; }

    /// <inheritdoc cref="MinerProfile.Addr"/>
    public required string Addr { get; init; }

    /// <inheritdoc cref="MinerProfile.Proto"/>
    public required string Proto { get; init; }

    /// <summary>0 to 1.</summary>
    public required double Score { get; init; }

    /// <summary>Expected time until the job is done; absent when nothing is known of the miner's speed.</summary>
    public int? EtaMs { get; init; }

    /// <summary>What it is offered at now.</summary>
    public required TokenPrice Price { get; init; }

    /// <summary>What the miner itself asks, when an admin's price stands in its place; absent otherwise.</summary>
    public TokenPrice? OwnPrice { get; init; }

    /// <summary>True when the miner's lease is over but not yet its grace; absent otherwise.</summary>
    public bool? Degraded { get; init; }

    /// <summary>For how long one of its slots is held for this match; absent when none is.</summary>
    public int? HoldExpiresInMs { get; init; }

    /// <summary>With <c>"explain":"full"</c>: how the score came about.</summary>
    public ScoreTerm[]? Breakdown { get; init; }
}

/// <summary>One term of a score: contribution = weight × norm.</summary>
public sealed record ScoreTerm
{
    /// <c>cap</c>, <c>price</c>, <c>latency</c>, <c>trust</c> or <c>load</c>.
    public required string Term { get; init; }

    /// <summary>What the term was made from: the price, the latency in ms, …; absent when unknown.</summary>
    public double? Raw { get; init; }

    /// <summary>0 to 1.</summary>
    public required double Norm { get; init; }

    /// <summary>The profile's weight divided by the sum of its weights.</summary>
    public required double Weight { get; init; }

    /// <summary>What it adds to the score.</summary>
    public required double Contribution { get; init; }
}

/// <summary>How many miners a clause left.</summary>
public sealed record ClauseCount
{
    /// <summary>Its name in requests, answers and metrics: <c>region</c>, <c>max_price</c>, …</summary>
    public required string Clause { get; init; }

    /// <summary>How many miners passed this clause and all before it.</summary>
    public required int Left { get; init; }
}

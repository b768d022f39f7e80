using System.Text.Json.Serialization;

namespace PoolHub.Protocol.Http;

/// <summary>Body of <c>POST /v1/match</c>: who should run this job?</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record MatchRequest
{
    public string? JobId { get; init; }
    public MatchRequirements? Requirements { get; init; }
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

[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record MatchRequirements
{
    public string? Task { get; init; }
    public double? MinVramGb { get; init; }
    public double? MinRamGb { get; init; }

    /// <summary>The miner must have at least one of these; likewise the two lists below.</summary>
    public string[]? Accel { get; init; }
    public string[]? TagsAny { get; init; }
    public string[]? CapabilitiesAny { get; init; }
}

[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record MatchHints
{
    /// <summary>Matches itself and what lies within: <c>eu</c> matches <c>eu-west-1</c>.</summary>
    public string? Region { get; init; }
    public TokenPrice? MaxPrice { get; init; }

    /// <summary>Drops candidates whose <c>eta_ms</c> is known and exceeds it.</summary>
    public int? DeadlineMs { get; init; }
}

public sealed record MatchResponse
{
    /// <summary>Names this match from here on: 32 hexadecimal digits, later matches after earlier ones.</summary>
    public required string MatchId { get; init; }
    public required string JobId { get; init; }

    /// <summary>Best first; empty when nobody passes.</summary>
    public required Candidate[] Candidates { get; init; }

    /// <summary>One line for a person: the best candidate's terms, or why there is none.</summary>
    public required string Explain { get; init; }

    /// <summary>Every clause in the order in which it was applied.</summary>
    public required ClauseCount[] Clauses { get; init; }
}

public sealed record Candidate
{
    public required string MinerId { get; init; }
    public required string Addr { get; init; }
    public required string Proto { get; init; }

    /// <summary>0 to 1.</summary>
    public required double Score { get; init; }

    /// <summary>Expected time until the job is done; absent when nothing is known of the miner's speed.</summary>
    public int? EtaMs { get; init; }
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
    public required string Term { get; init; }

    /// <summary>What the term was made from: the price, the latency in ms, …; absent when unknown.</summary>
    public double? Raw { get; init; }

    /// <summary>0 to 1.</summary>
    public required double Norm { get; init; }

    /// <summary>The profile's weight divided by the sum of its weights.</summary>
    public required double Weight { get; init; }
    public required double Contribution { get; init; }
}

public sealed record ClauseCount
{
    public required string Clause { get; init; }

    /// <summary>How many miners passed this clause and all before it.</summary>
    public required int Left { get; init; }
}

/// <summary>Body of <c>POST /v1/feedback</c>: how a job went.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record FeedbackRequest
{
    public string? JobId { get; init; }
    public string? MinerId { get; init; }

    /// <summary>The match whose holds it ends; every one of the coordinator's for the job that gave this miner when absent.</summary>
    public string? MatchId { get; init; }

    /// <summary><c>accepted</c>, <c>rejected</c>, <c>failed</c> or <c>completed</c>.</summary>
    public string? Outcome { get; init; }
    public int? LatencyMs { get; init; }

    /// <summary>Why it failed; some codes are not the miner's fault.</summary>
    public string? FailCode { get; init; }
    public TokenPrice? TokensSpent { get; init; }
}

public sealed record FeedbackResponse
{
    /// <summary><c>recorded</c>, or <c>duplicate</c> when this job, miner and outcome were reported before.</summary>
    public required string Status { get; init; }

    /// <summary>The miner's trust after it, 0 to 1.</summary>
    public required double TrustScore { get; init; }

    /// <summary>When the miner is ejected: for how long still.</summary>
    public int? EjectedForSec { get; init; }

    /// <summary>How many holds it ended; absent when none.</summary>
    public int? Released { get; init; }
}

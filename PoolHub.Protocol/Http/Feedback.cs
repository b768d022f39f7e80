using System.Text.Json.Serialization;

namespace PoolHub.Protocol.Http;

/// <summary>Body of <c>POST /v1/feedback</c>: how a job went.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record FeedbackRequest
{
    /// <summary>The job, 1 to 128 characters; required.</summary>
    public string? JobId { get; init; }

    /// <summary>The miner that had it, or was asked to; required.</summary>
    public string? MinerId { get; init; }

    /// <summary>The match whose holds it ends; every match of the coordinator's for the job that gave this miner when absent.</summary>
    public string? MatchId { get; init; }

    /// <summary><c>accepted</c>, <c>rejected</c>, <c>failed</c> or <c>completed</c>.</summary>
    public string? Outcome { get; init; }

    /// <summary>How long the job took; teaches the hub how fast the miner is.</summary>
    public int? LatencyMs { get; init; }

    /// <summary>Why it failed; some codes are not the miner's fault.</summary>
    public string? FailCode { get; init; }

    /// <summary>What the job cost in tokens; kept, and not judged.</summary>
    public TokenPrice? TokensSpent { get; init; }
}

/// <summary>Answer to <c>POST /v1/feedback</c>, given when the report is durable.</summary>
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

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
    /// <summary>
    /// <c>recorded</c>; <c>duplicate</c> when you reported this job, miner and outcome before; or <c>unmatched</c> when no match
    /// of yours that the hub still knows gave you this miner for this job: it is kept, and teaches nothing.
    /// </summary>
    public required string Status { get; init; }

    /// <summary>The miner's trust after it, 0 to 1.</summary>
    public required double TrustScore { get; init; }

    /// <summary>When the miner is ejected: for how long still.</summary>
    public int? EjectedForSec { get; init; }

    /// <summary>How many holds it ended; absent when none.</summary>
    public int? Released { get; init; }
}

/// <summary>One page of <c>GET /v1/miners/{id}/feedback</c>, the newest first.</summary>
public sealed record FeedbackPage
{
    /// <summary>At most as many as were asked for.</summary>
    public required FeedbackView[] Reports { get; init; }

    /// <summary>Give it back as <c>cursor</c> for the next page; absent on the last.</summary>
    public string? NextCursor { get; init; }
}

/// <summary>What a coordinator reported of a miner.</summary>
public sealed record FeedbackView
{
    /// <summary>When it came first, by the hub's clock.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>Who reported it.</summary>
    public required string Coordinator { get; init; }

    /// <summary>Of which job.</summary>
    public required string JobId { get; init; }

    /// <summary><c>accepted</c>, <c>rejected</c>, <c>failed</c> or <c>completed</c>.</summary>
    public required string Outcome { get; init; }

    /// <summary>Whether a match had given the coordinator this miner for this job: only then it taught trust.</summary>
    public required bool Matched { get; init; }

    /// <summary>How long the job took, where that was reported.</summary>
    public int? LatencyMs { get; init; }

    /// <summary>Why it failed, where that was reported.</summary>
    public string? FailCode { get; init; }

    /// <summary>What the job cost in tokens, where that was reported.</summary>
    public TokenPrice? TokensSpent { get; init; }
}

/// <summary>Answer to <c>DELETE /v1/miners/{id}/trust</c>: the miner's trust is that of one that nobody knows.</summary>
public sealed record TrustResetResponse
{
    /// <summary>Whose trust it is.</summary>
    public required string MinerId { get; init; }

    /// <summary>Its trust now, 0 to 1.</summary>
    public required double TrustScore { get; init; }
}

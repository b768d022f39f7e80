using System.Text.Json.Serialization;

namespace PoolHub.Protocol.Http;

/// <summary>Body of <c>POST /v1/match/batch</c>: match requests that are answered one after the other.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record BatchRequest
{
    /// <summary>1 to 256, matched in this order: what one holds, the next does not find.</summary>
    public MatchRequest?[]? Requests { get; init; }
}

/// <summary>Answer to <c>POST /v1/match/batch</c>.</summary>
public sealed record BatchResponse
{
    /// <summary>In the order of the requests.</summary>
    public required MatchResponse[] Answers { get; init; }
}

namespace PoolHub.Protocol.Http;

/// <summary>Answer to <c>POST /v1/match/explain</c>: what each clause of a request does to the fleet as it is now.</summary>
public sealed record ExplainResponse
{
    /// <summary>That of the request.</summary>
    public required string JobId { get; init; }

    /// <summary>The moment of the fleet of which the answer speaks.</summary>
    public required DateTimeOffset EvaluatedAt { get; init; }

    /// <summary>How many miners pass every clause.</summary>
    public required int Passing { get; init; }

    /// <summary>Whom a match would answer now, with breakdowns. Nothing is held for them.</summary>
    public required Candidate[] Candidates { get; init; }

    /// <summary>Every clause in the order in which it is applied.</summary>
    public required ExplainedClause[] Clauses { get; init; }

    /// <summary>The smallest changes of one clause that would find more, in the order of the clauses.</summary>
    public required Relaxation[] Relaxations { get; init; }

    /// <summary>One line for a person.</summary>
    public required string Text { get; init; }
}

/// <summary>A clause, what it asks for, and whom it keeps out.</summary>
public sealed record ExplainedClause
{
    /// <inheritdoc cref="ClauseCount.Clause"/>
    public required string Clause { get; init; }

    /// <summary>What the request asks for.</summary>
    public required ClauseValue Wanted { get; init; }

    /// <summary>How many miners passed this clause and all before it.</summary>
    public required int Left { get; init; }

    /// <summary>How many miners fail this clause and no other.</summary>
    public required int Alone { get; init; }
}

/// <summary>One change of one clause, all others as they are.</summary>
public sealed record Relaxation
{
    /// <summary>Which clause to change.</summary>
    public required string Clause { get; init; }

    /// <summary>What the request asks for.</summary>
    public required ClauseValue From { get; init; }

    /// <summary>The value to ask for instead; absent when the clause must be left out, or waited for.</summary>
    public ClauseValue? To { get; init; }

    /// <summary>True when no other request helps, but time may: these miners are full, draining or ejected.</summary>
    public bool? Wait { get; init; }

    /// <summary>How many miners would pass then, those that pass already included.</summary>
    public required int Found { get; init; }

    /// <summary>For a person: <c>max_price 0.8 → 0.82: 14</c>.</summary>
    public required string Text { get; init; }
}

/// <summary>Answer to <c>…/why-not</c>: the clauses that one miner fails, or its place among those that pass.</summary>
public sealed record WhyNotResponse
{
    /// <summary>The miner that was asked about.</summary>
    public required string MinerId { get; init; }

    /// <summary>That of the request, or of the past match.</summary>
    public required string JobId { get; init; }

    /// <summary>The past match that was asked about, if one was.</summary>
    public string? MatchId { get; init; }

    /// <summary><c>match</c>: the miner as that match saw it. <c>now</c>: evaluated anew.</summary>
    public required string Basis { get; init; }

    /// <summary>The moment of which the answer speaks.</summary>
    public required DateTimeOffset EvaluatedAt { get; init; }

    /// <summary>Every clause that the miner fails; empty when it passes.</summary>
    public required FailedClause[] Failed { get; init; }

    /// <summary>Its place among all that pass, from 1; absent when it fails, as all that follows.</summary>
    public int? Rank { get; init; }

    /// <summary>How many miners pass.</summary>
    public int? Passing { get; init; }

    /// <summary>Its breakdown, and that of the first in rank.</summary>
    public Candidate? Miner { get; init; }

    /// <summary>The first in rank, which may be the miner itself.</summary>
    public Candidate? Winner { get; init; }

    /// <summary>One line for a person.</summary>
    public required string Text { get; init; }
}

/// <summary>A clause that a miner fails.</summary>
public sealed record FailedClause
{
    /// <inheritdoc cref="ClauseCount.Clause"/>
    public required string Clause { get; init; }

    /// <summary>What the miner has.</summary>
    public required ClauseValue Value { get; init; }

    /// <summary>What the request asks for.</summary>
    public required ClauseValue Wanted { get; init; }
}

/// <summary>Answer to <c>GET /v1/match/{match_id}</c>: a past match, as it was decided.</summary>
public sealed record DecisionResponse
{
    /// <inheritdoc cref="MatchResponse.MatchId"/>
    public required string MatchId { get; init; }

    /// <summary>The moment of the fleet that was matched.</summary>
    public required DateTimeOffset MatchedAt { get; init; }

    /// <summary>As it was sent.</summary>
    public required MatchRequest Request { get; init; }

    /// <summary>Divided by their sum, as they were then.</summary>
    public required ScoreWeights Weights { get; init; }

    /// <summary>Best first, with breakdowns.</summary>
    public required Candidate[] Candidates { get; init; }

    /// <inheritdoc cref="MatchResponse.Explain"/>
    public required string Explain { get; init; }

    /// <inheritdoc cref="MatchResponse.Clauses"/>
    public required ClauseCount[] Clauses { get; init; }
}

/// <summary>How much each term of a score counts; together 1. docs/scoring.md defines the terms.</summary>
public sealed record ScoreWeights
{
    /// <summary>Of the requested capabilities that a miner has.</summary>
    public required double Cap { get; init; }

    /// <summary>Of how cheap it is.</summary>
    public required double Price { get; init; }

    /// <summary>Of how near it is, beside others of its region.</summary>
    public required double Latency { get; init; }

    /// <summary>Of what feedback has taught.</summary>
    public required double Trust { get; init; }

    /// <summary>Of how idle it is.</summary>
    public required double Load { get; init; }
}

namespace PoolHub.Protocol.Http;

/// <summary>Answer to <c>POST /v1/miners/{id}/key</c> and its rotation: the only time the key is seen.</summary>
public sealed record KeyResponse
{
    public required string MinerId { get; init; }
    public required string ApiKey { get; init; }
}

public sealed record RevokeResponse
{
    public required string MinerId { get; init; }

    /// <summary>How many keys ceased to be valid.</summary>
    public required int Revoked { get; init; }
}

/// <summary>One page of <c>GET /v1/keys</c>, in the order of the miners' ids.</summary>
public sealed record KeyPage
{
    public required KeyView[] Keys { get; init; }

    /// <summary>Give it back as <c>cursor</c> for the next page; absent on the last.</summary>
    public string? NextCursor { get; init; }
}

/// <summary>What is known of a miner's key, but for the key.</summary>
public sealed record KeyView
{
    public required string MinerId { get; init; }

    /// <summary>Whether it has a key that is valid.</summary>
    public required bool Valid { get; init; }

    /// <summary>When it got its first key, or the first since it was revoked; absent when that was not noted.</summary>
    public DateTimeOffset? IssuedAt { get; init; }
    public DateTimeOffset? RotatedAt { get; init; }

    /// <summary>Until when the key before the last rotation is valid as well; absent when it is not.</summary>
    public DateTimeOffset? OldKeyUntil { get; init; }
    public DateTimeOffset? RevokedAt { get; init; }

    /// <summary>When the miner last began a session with its key.</summary>
    public DateTimeOffset? LastUsedAt { get; init; }
}

/// <summary>One page of <c>GET /v1/audit</c>, the newest first.</summary>
public sealed record AuditPage
{
    public required AuditView[] Entries { get; init; }

    /// <summary>Give it back as <c>cursor</c> for the next page; absent on the last.</summary>
    public string? NextCursor { get; init; }
}

/// <summary>What somebody did with an admin's rights, or with a key.</summary>
public sealed record AuditView
{
    public required DateTimeOffset At { get; init; }

    /// <summary>The admin's name, or <c>Enrolment</c> where a miner claimed its id itself.</summary>
    public required string Who { get; init; }

    /// <summary>The address that the request came from.</summary>
    public string? Address { get; init; }

    /// <summary><c>key_issue</c>, <c>key_rotate</c>, <c>key_revoke</c>, <c>key_claim</c>, <c>price_set</c>, <c>price_clear</c>, <c>command</c> or <c>accept_loss</c>.</summary>
    public required string Action { get; init; }
    public string? MinerId { get; init; }
    public string? Detail { get; init; }
}

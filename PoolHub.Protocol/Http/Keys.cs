namespace PoolHub.Protocol.Http;

/// <summary>Answer to <c>POST /v1/miners/{id}/key</c> and its rotation: the only time the key is seen.</summary>
public sealed record KeyResponse
{
    /// <summary>Whose key it is.</summary>
    public required string MinerId { get; init; }

    /// <summary>The key, as <see cref="MinerKey"/> describes it. The hub keeps its hash alone.</summary>
    public required string ApiKey { get; init; }
}

/// <summary>Answer to <c>DELETE /v1/miners/{id}/key</c>.</summary>
public sealed record RevokeResponse
{
    /// <summary>Whose keys they were.</summary>
    public required string MinerId { get; init; }

    /// <summary>How many keys ceased to be valid.</summary>
    public required int Revoked { get; init; }
}

/// <summary>One page of <c>GET /v1/keys</c>, in the order of the miners' ids.</summary>
public sealed record KeyPage
{
    /// <summary>One entry for each miner that has, or had, a key.</summary>
    public required KeyView[] Keys { get; init; }

    /// <summary>Give it back as <c>cursor</c> for the next page; absent on the last.</summary>
    public string? NextCursor { get; init; }
}

/// <summary>What is known of a miner's key, but for the key.</summary>
public sealed record KeyView
{
    /// <summary>Whose key it is.</summary>
    public required string MinerId { get; init; }

    /// <summary>Whether it has a key that is valid.</summary>
    public required bool Valid { get; init; }

    /// <summary>When it got its first key, or the first since it was revoked; absent when that was not noted.</summary>
    public DateTimeOffset? IssuedAt { get; init; }

    /// <summary>When it last got a new key in place of another; absent when it never did.</summary>
    public DateTimeOffset? RotatedAt { get; init; }

    /// <summary>Until when the key before the last rotation is valid as well; absent when it is not.</summary>
    public DateTimeOffset? OldKeyUntil { get; init; }

    /// <summary>When its keys were made invalid; absent when they were not.</summary>
    public DateTimeOffset? RevokedAt { get; init; }

    /// <summary>When the miner last began a session with its key.</summary>
    public DateTimeOffset? LastUsedAt { get; init; }
}

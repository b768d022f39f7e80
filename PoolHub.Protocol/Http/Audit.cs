namespace PoolHub.Protocol.Http;

/// <summary>One page of <c>GET /v1/audit</c>, the newest first.</summary>
public sealed record AuditPage
{
    /// <summary>At most as many as were asked for.</summary>
    public required AuditView[] Entries { get; init; }

    /// <summary>Give it back as <c>cursor</c> for the next page; absent on the last.</summary>
    public string? NextCursor { get; init; }
}

/// <summary>What somebody did with an admin's rights, or with a key.</summary>
public sealed record AuditView
{
    /// <summary>When it was done, by the hub's clock.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>The admin's name, or <c>Enrolment</c> where a miner claimed its id itself.</summary>
    public required string Who { get; init; }

    /// <summary>The address that the request came from.</summary>
    public string? Address { get; init; }

    /// <summary><c>key_issue</c>, <c>key_rotate</c>, <c>key_revoke</c>, <c>key_claim</c>, <c>price_set</c>, <c>price_clear</c>, <c>trust_reset</c>, <c>command</c>, <c>accept_loss</c> or <c>ban_lift</c>.</summary>
    public required string Action { get; init; }

    /// <summary>To which miner it was done; absent where it was to none.</summary>
    public string? MinerId { get; init; }

    /// <summary>What else there is to say: the price, the command, whose ban; absent when nothing.</summary>
    public string? Detail { get; init; }
}

namespace PoolHub.Protocol.Http;

/// <summary>RFC 9457 problem details, the body of every answer of 400 and above.</summary>
public sealed record Problem
{
    /// <c>about:blank</c>: the status says what kind of problem it is.
    public required string Type { get; init; }

    /// <summary>The status in words.</summary>
    public required string Title { get; init; }

    /// <summary>As in the status line.</summary>
    public required int Status { get; init; }

    /// <summary>What went wrong this time, for a person.</summary>
    public string? Detail { get; init; }

    /// <summary>The request's field at fault, as a path such as <c>hints.max_price</c>.</summary>
    public string? Field { get; init; }

    /// <summary>With 429 and 503: seconds, as in the header.</summary>
    public int? RetryAfterSec { get; init; }
}

using System.Net;
using PoolHub.Protocol.Http;

namespace PoolHub.Protocol.Client;

/// <summary>A request that the hub refused, could not answer, or never got. The message is for a person.</summary>
public sealed class HubException : Exception
{
    /// <inheritdoc/>
    public HubException()
    {
    }

    /// <inheritdoc/>
    public HubException(string message)
        : base(message)
    {
    }

    /// <inheritdoc/>
    public HubException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Null when the hub could not be reached or did not answer in time.</summary>
    public HttpStatusCode? StatusCode { get; init; }

    /// <summary>The hub's own account; null when it gave none.</summary>
    public Problem? Problem { get; init; }

    /// <summary>How long the hub asks to be left alone.</summary>
    public TimeSpan? RetryAfter { get; init; }
}

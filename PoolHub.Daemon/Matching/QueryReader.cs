using System.Diagnostics.CodeAnalysis;
using PoolHub.Protocol.Http;

namespace PoolHub.Daemon.Matching;

/// <summary>Makes queries of requests, by the settings of the moment.</summary>
internal sealed class QueryReader(MatchOptions options)
{
    private volatile MatchOptions _options = options;

    /// <summary>Requests from now on are read by these.</summary>
    public void Reload(MatchOptions options) => _options = options;

    /// <inheritdoc cref="MatchQuery.TryCreate"/>
    public bool TryRead(
        MatchRequest request,
        [NotNullWhen(true)] out MatchQuery? query,
        [NotNullWhen(false)] out (string Field, string Problem)? fault)
    {
        MatchOptions options = _options;
        return MatchQuery.TryCreate(request, options.Weights, out query, out fault, options.HoldMs);
    }
}

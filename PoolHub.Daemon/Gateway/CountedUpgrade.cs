using Microsoft.AspNetCore.Http.Features;
using PoolHub.Daemon.Sessions;

namespace PoolHub.Daemon.Gateway;

/// <summary>
/// An upgrade to WebSocket whose bytes and frames are counted as they are read. Those who receive messages do not see all
/// of them: the WebSocket answers pings itself, and a message may have fragments without end.
/// </summary>
internal sealed class CountedUpgrade(IHttpUpgradeFeature upgrade) : IHttpUpgradeFeature
{
    /// <summary>On whose account; set before the upgrade.</summary>
    public Channel? Channel { get; set; }

    public bool IsUpgradableRequest => upgrade.IsUpgradableRequest;

    /// <summary>Every upgrade, whatever the path: which is the door's, routing says later.</summary>
    public static void Use(IApplicationBuilder app) => app.Use((http, next) =>
    {
        if (http.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true } upgrade)
        {
            http.Features.Set<IHttpUpgradeFeature>(new CountedUpgrade(upgrade));
        }
        return next(http);
    });

    public async Task<Stream> UpgradeAsync() => new CountedStream(await upgrade.UpgradeAsync(), Channel!);
}

using System.Net;
using Microsoft.AspNetCore.HttpOverrides;
using PoolHub.Daemon.Settings;
using IPNetwork = System.Net.IPNetwork;

namespace PoolHub.Daemon.Gateway;

/// <summary>
/// Who may say for whom it speaks. Over HTTP that is <c>X-Forwarded-For</c>; what anybody else sends of it is ignored.
/// </summary>
/// <param name="Networks">Empty: nobody.</param>
/// <param name="ProxyProtocol">Whether they may begin a miner's TCP connection with a PROXY header.</param>
internal sealed record TrustedProxies(IPNetwork[] Networks, bool ProxyProtocol)
{
    public static TrustedProxies None { get; } = new([], false);

    public static TrustedProxies Read(SettingsReader settings)
    {
        List<IPNetwork> networks = [];
        foreach (string text in settings.List("TRUSTED_PROXIES"))
        {
            if (IPAddress.TryParse(text, out IPAddress? address))
            {
                networks.Add(new IPNetwork(address, address.GetAddressBytes().Length * 8));
            }
            else if (IPNetwork.TryParse(text, out IPNetwork network))
            {
                networks.Add(network);
            }
            else
            {
                settings.Fail("TRUSTED_PROXIES", $"must be IP addresses or networks such as 10.0.0.0/8, not '{text}'");
            }
        }
        bool proxyProtocol = settings.Choice("PROXY_PROTOCOL", "no", "yes", "no") == "yes";
        if (proxyProtocol && networks.Count == 0)
        {
            settings.Fail("PROXY_PROTOCOL", "needs TRUSTED_PROXIES: from whom is it taken?");
        }
        return new TrustedProxies([.. networks], proxyProtocol);
    }

    public bool Contains(EndPoint? peer)
    {
        if (peer is not IPEndPoint { Address: { } address })
        {
            return false;
        }
        if (address.IsIPv4MappedToIPv6)
        {
            address = address.MapToIPv4();
        }
        return Array.Exists(Networks, network => network.Contains(address));
    }
}

internal static class TrustedProxiesMiddleware
{
    /// <summary>From here on a request comes from where its trusted proxies say.</summary>
    public static void UseTrustedProxies(this IApplicationBuilder app, TrustedProxies proxies)
    {
        if (proxies.Networks.Length == 0)
        {
            return;
        }
        // Each proxy of a chain may add itself: as far back as all of them are trusted.
        var options = new ForwardedHeadersOptions { ForwardedHeaders = ForwardedHeaders.XForwardedFor, ForwardLimit = null };
        options.KnownProxies.Clear();
        options.KnownIPNetworks.Clear();
        foreach (IPNetwork network in proxies.Networks)
        {
            options.KnownIPNetworks.Add(network);
        }
        app.UseForwardedHeaders(options);
    }
}

using System.Net;
using PoolHub.Daemon.Settings;

namespace PoolHub.Daemon.Gateway;

/// <param name="Bind">The address of both doors.</param>
/// <param name="Port">HTTP and WebSocket.</param>
/// <param name="MinerPort">Raw TCP.</param>
/// <param name="Proxies">Whose word counts on where a connection comes from.</param>
internal sealed record GatewayOptions(IPAddress Bind, int Port, int MinerPort, TrustedProxies Proxies)
{
    public static GatewayOptions Read(SettingsReader settings)
    {
        string text = settings.Text("POOLHUB_BIND", "127.0.0.1");
        if (!IPAddress.TryParse(text == "localhost" ? "127.0.0.1" : text, out IPAddress? bind))
        {
            settings.Fail("POOLHUB_BIND", $"must be an IP address, not '{text}'");
            bind = IPAddress.Loopback;
        }
        bool trusted = settings.Choice("TRUST_NETWORK", "no", "yes", "no") == "yes";
        if (!IPAddress.IsLoopback(bind) && !trusted)
        {
            settings.Fail("POOLHUB_BIND",
                $"{bind} can be reached from the network, and this hub does not encrypt; set TRUST_NETWORK=yes where a proxy ends TLS in front of it or the network is your own");
        }
        int port = settings.Int32("POOLHUB_PORT", 8203, 0, 65_535);
        int minerPort = settings.Int32("POOLHUB_MINER_PORT", 8204, 0, 65_535);
        if (port == minerPort && port != 0)
        {
            settings.Fail("POOLHUB_MINER_PORT", $"must differ from POOLHUB_PORT ({port})");
        }
        return new GatewayOptions(bind, port, minerPort, TrustedProxies.Read(settings));
    }
}

using System.Net;
using PoolHub.Daemon.Settings;

namespace PoolHub.Daemon.Gateway;

/// <param name="Bind">The address of both doors.</param>
/// <param name="Port">HTTP and WebSocket.</param>
/// <param name="MinerPort">Raw TCP.</param>
/// <param name="Proxies">Whose word counts on where a connection comes from.</param>
/// <param name="Open">Whether the doors may be reached from the network.</param>
internal sealed record GatewayOptions(IPAddress Bind, int Port, int MinerPort, TrustedProxies Proxies, bool Open)
{
    private const string HowToOpen =
        "can be reached from the network, and nothing encrypts: set TLS_CERT and TLS_KEY, or TRUSTED_PROXIES where a proxy in front ends TLS, "
        + "or TRUST_NETWORK=yes where the network is your own";

    /// <param name="settings">The settings.</param>
    /// <param name="encrypts">Whether the doors speak TLS.</param>
    public static GatewayOptions Read(SettingsReader settings, bool encrypts)
    {
        string text = settings.Text("POOLHUB_BIND", "127.0.0.1");
        if (!IPAddress.TryParse(text == "localhost" ? "127.0.0.1" : text, out IPAddress? bind))
        {
            settings.Fail("POOLHUB_BIND", $"must be an IP address, not '{text}'");
            bind = IPAddress.Loopback;
        }
        bool trusted = settings.Choice("TRUST_NETWORK", "no", "yes", "no") == "yes";
        var proxies = TrustedProxies.Read(settings);
        bool open = encrypts || trusted || proxies.Networks.Length > 0;
        if (!open && !IPAddress.IsLoopback(bind))
        {
            settings.Fail("POOLHUB_BIND", $"{bind} {HowToOpen}");
        }
        int port = settings.Int32("POOLHUB_PORT", 8203, 0, 65_535);
        int minerPort = settings.Int32("POOLHUB_MINER_PORT", 8204, 0, 65_535);
        if (port == minerPort && port != 0)
        {
            settings.Fail("POOLHUB_MINER_PORT", $"must differ from POOLHUB_PORT ({port})");
        }
        return new GatewayOptions(bind, port, minerPort, proxies, open);
    }

    /// <exception cref="IOException">A socket that systemd has passed can be reached from the network, and nobody has said that it may.</exception>
    public void Check(PassedSocket[] sockets)
    {
        if (!Open && Array.Find(sockets, s => !IPAddress.IsLoopback(s.Address.Address)) is { Address: { } address })
        {
            throw new IOException($"systemd passed a socket on {address}, which {HowToOpen}");
        }
    }
}

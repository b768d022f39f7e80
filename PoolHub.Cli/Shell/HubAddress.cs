namespace PoolHub.Cli.Shell;

/// <summary>Where the hub is: its HTTP address, and the one to which miners connect over raw TCP.</summary>
internal sealed record HubAddress(Uri Http, Uri Tcp)
{
    public const string DefaultHttp = "http://127.0.0.1:8203";

    /// <summary>The raw TCP port when the HTTP one is not a port of the hub's own, as behind a proxy.</summary>
    public const int DefaultTcpPort = 8204;

    /// <summary>The miners' address is, unless given, that of the same host with the next port.</summary>
    public static HubAddress Parse(string http, string? tcp)
    {
        if (!Uri.TryCreate(http, UriKind.Absolute, out Uri? hub) || hub.Scheme is not ("http" or "https"))
        {
            throw CliException.Usage($"--hub {http} is no HTTP address; give one such as {DefaultHttp}.");
        }
        if (tcp is null)
        {
            int port = hub.IsDefaultPort || hub.Port == ushort.MaxValue ? DefaultTcpPort : hub.Port + 1;
            string scheme = hub.Scheme == "https" ? "tcps" : "tcp";
            return new HubAddress(hub, new Uri($"{scheme}://{hub.Host}:{port}"));
        }
        if (!Uri.TryCreate(tcp, UriKind.Absolute, out Uri? miners) || miners.Scheme is not ("tcp" or "tcps") || miners.Port <= 0)
        {
            throw CliException.Usage($"--miner-hub {tcp} is no TCP address; give one such as tcp://127.0.0.1:{DefaultTcpPort}.");
        }
        return new HubAddress(hub, miners);
    }

    /// <summary>The same host over WebSocket.</summary>
    public Uri WebSocket => new UriBuilder(Http) { Scheme = Http.Scheme == "https" ? "wss" : "ws" }.Uri;
}

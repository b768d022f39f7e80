using System.Net;
using System.Net.WebSockets;
using System.Text;
using PoolHub.Daemon.Gateway;
using PoolHub.Daemon.Settings;
using PoolHub.Protocol;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Gateway;

public sealed class TrustedProxiesTests
{
    private static readonly byte[] s_line = Encoding.ASCII.GetBytes("PROXY TCP4 203.0.113.9 192.0.2.1 56324 8204\r\n");

    [Theory]
    [InlineData("127.0.0.1,::1", "127.0.0.1", true)]
    [InlineData("127.0.0.1,::1", "::1", true)]
    [InlineData("127.0.0.1,::1", "::ffff:127.0.0.1", true)]
    [InlineData("127.0.0.1,::1", "127.0.0.2", false)]
    [InlineData("10.0.0.0/8", "10.200.3.4", true)]
    [InlineData("10.0.0.0/8", "11.0.0.1", false)]
    [InlineData("", "127.0.0.1", false)]
    public void Proxy_is_trusted_by_address_or_network(string setting, string address, bool trusted)
    {
        var reader = Reader(("TRUSTED_PROXIES", setting));
        Assert.Equal(trusted, TrustedProxies.Read(reader).Contains(new IPEndPoint(IPAddress.Parse(address), 1)));
        Assert.Empty(reader.Problems);
    }

    [Theory]
    [InlineData("TRUSTED_PROXIES", "proxy.example.org", "TRUSTED_PROXIES: must be IP addresses or networks such as 10.0.0.0/8, not 'proxy.example.org'")]
    [InlineData("PROXY_PROTOCOL", "yes", "PROXY_PROTOCOL: needs TRUSTED_PROXIES: from whom is it taken?")]
    public void Bad_setting_is_named(string name, string value, string problem)
    {
        var reader = Reader((name, value));
        _ = TrustedProxies.Read(reader);
        Assert.Equal([problem], reader.Problems);
    }

    [Theory]
    [InlineData("TRUSTED_PROXIES", "127.0.0.1")]
    [InlineData("TRUST_NETWORK", "yes")]
    public async Task Doors_open_to_the_network_where_a_proxy_encrypts_or_nobody_need(string name, string value)
    {
        await using TestHub hub = await TestHub.StartAsync(("POOLHUB_BIND", "0.0.0.0"), (name, value));
        Assert.Equal((IPAddress.Any, IPAddress.Any), (hub.Hub.HttpEndPoint.Address, hub.Hub.TcpEndPoint.Address));
        _ = await hub.EnrolAsync("m");
        Assert.Equal(["m"], await hub.MatchAsync());
    }

    [Theory]
    [InlineData("127.0.0.1,::1", "203.0.113.9")]
    [InlineData("10.0.0.0/8", "127.0.0.1:")]
    [InlineData("", "127.0.0.1:")]
    public async Task Forwarded_address_of_a_WebSocket_counts_from_a_trusted_proxy_only(string trusted, string logged)
    {
        await using TestHub hub = await TestHub.StartAsync(("TRUSTED_PROXIES", trusted));
        using var socket = new ClientWebSocket();
        // The proxy writes the last one; the first is what the miner claimed.
        socket.Options.SetRequestHeader("X-Forwarded-For", "198.51.100.1, 203.0.113.9");
        await socket.ConnectAsync(new Uri($"ws://{hub.Hub.HttpEndPoint}/v1/miners/heartbeat"), TestContext.Current.CancellationToken);
        socket.Abort();
        await hub.EndedAsync(CloseReason.Dropped, 1);
        Assert.Equal(1, hub.Logs.Count($" at {logged}"));
        Assert.Equal(0, hub.Logs.Count("198.51.100.1"));
    }

    [Fact]
    public async Task Proxy_header_names_the_miner_and_the_conversation_goes_on_behind_it()
    {
        await using TestHub hub = await TestHub.StartAsync(("TRUSTED_PROXIES", "127.0.0.1"), ("PROXY_PROTOCOL", "yes"));
        string key = await hub.IssueKeyAsync("rig-1");
        TcpMiner miner = await hub.ConnectAsync();
        await miner.SendRawAsync(s_line);
        await miner.EnrolAsync("rig-1", key);
        await miner.SendRawAsync([0xff, 0xff, 0xff, 0xff]);
        _ = await miner.ExpectGoodbyeAsync(CloseReason.FrameTooLong);
        await miner.DisposeAsync();
        await hub.EndedAsync(CloseReason.FrameTooLong, 1);
        Assert.Equal(1, hub.Logs.Count("conversation with rig-1 at 203.0.113.9:56324 ended"));

        // One without a header is its own.
        _ = await hub.EnrolAsync("rig-2");
    }

    [Theory]
    [InlineData("", "no")]
    [InlineData("10.0.0.0/8", "yes")]
    public async Task Proxy_header_of_anybody_else_is_a_bad_frame(string trusted, string protocol)
    {
        await using TestHub hub = await TestHub.StartAsync(("TRUSTED_PROXIES", trusted), ("PROXY_PROTOCOL", protocol));
        TcpMiner miner = await hub.ConnectAsync();
        await miner.SendRawAsync(s_line);
        _ = await miner.ExpectGoodbyeAsync(CloseReason.FrameTooLong);
    }

    [Fact]
    public async Task Malformed_proxy_header_is_a_bad_frame()
    {
        await using TestHub hub = await TestHub.StartAsync(("TRUSTED_PROXIES", "127.0.0.1"), ("PROXY_PROTOCOL", "yes"));
        TcpMiner miner = await hub.ConnectAsync();
        await miner.SendRawAsync(Encoding.ASCII.GetBytes("PROXY nonsense\r\n"));
        _ = await miner.ExpectGoodbyeAsync(CloseReason.FrameTooLong);
    }

    private static SettingsReader Reader(params (string Name, string Value)[] settings) =>
        new(SettingsSource.Load(null, settings.Append(("POOLHUB_CONFIG", "/nowhere")).ToDictionary()));
}

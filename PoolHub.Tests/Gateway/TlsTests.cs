using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using PoolHub.Protocol;
using PoolHub.Protocol.Wire;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Gateway;

/// <summary>Both doors over TLS.</summary>
public sealed class TlsTests : IDisposable
{
    private readonly TlsHouse _house = new();

    public void Dispose() => _house.Dispose();

    [Fact]
    public async Task Both_doors_speak_tls_and_nothing_else()
    {
        await using TestHub hub = await _house.StartAsync();
        await using (TlsMiner miner = await _house.ConnectAsync(hub))
        {
            await miner.Miner.HelloAsync("m", await _house.IssueKeyAsync(hub, "m"));
        }
        using HubClient https = _house.Https(hub);
        _ = (await https.GetAsync("/v1/health")).Expect(200);
        await using TcpMiner plain = await TcpMiner.ConnectAsync(hub.Hub.TcpEndPoint);
        await plain.SendAsync(new Hello(1, [], "m", "k", null));
        await plain.ExpectEndAsync();
        _ = await Assert.ThrowsAsync<HttpRequestException>(() => hub.Http.GetAsync("/v1/health"));
    }

    [Fact]
    public async Task Doors_open_to_the_network_where_they_speak_tls()
    {
        await using TestHub hub = await _house.StartAsync(("POOLHUB_BIND", "0.0.0.0"));
        await using TlsMiner miner = await _house.ConnectAsync(hub);
        Assert.Equal(IPAddress.Any, hub.Hub.TcpEndPoint.Address);
        await miner.Miner.HelloAsync("m", await _house.IssueKeyAsync(hub, "m"));
    }

    [Theory]
#pragma warning disable SYSLIB0039, CA5397, CA5398 // Versions are what this is about.
    [InlineData(SslProtocols.Tls12, true)]
    [InlineData(SslProtocols.Tls13, true)]
    [InlineData(SslProtocols.Tls11, false)]
#pragma warning restore SYSLIB0039, CA5397, CA5398
    public async Task Only_tls_12_and_13_are_spoken(SslProtocols protocol, bool spoken)
    {
        await using TestHub hub = await _house.StartAsync();
        Exception? refused = await Record.ExceptionAsync(async () => await (await _house.ConnectAsync(hub, protocol: protocol)).DisposeAsync());
        Assert.Equal(spoken, refused is null);
    }

    [Fact]
    public async Task New_certificate_counts_after_a_reload_and_nobody_is_dropped()
    {
        await using TestHub hub = await _house.StartAsync();
        await using TlsMiner before = await _house.ConnectAsync(hub);
        string first = before.HubCertificate;
        await before.Miner.EnrolAsync("m", await _house.IssueKeyAsync(hub, "m"));
        using X509Certificate2 fresh = _house.Own.IssueHub();
        Assert.Empty(hub.Reload());
        await using TlsMiner after = await _house.ConnectAsync(hub);
        Assert.Equal(fresh.Thumbprint, after.HubCertificate);
        Assert.NotEqual(first, after.HubCertificate);
        await before.Miner.BeatAsync(1);
    }

    [Fact]
    public async Task Bad_file_at_a_reload_leaves_the_certificate_in_use()
    {
        await using TestHub hub = await _house.StartAsync();
        _ = _house.Own.Write("hub.key", "nothing");
        Assert.Contains("TLS_KEY", Assert.Single(hub.Reload()), StringComparison.Ordinal);
        hub.Logs.Expect("TLS_KEY");
        await using TlsMiner miner = await _house.ConnectAsync(hub);
    }

    [Fact]
    public async Task Client_that_does_not_finish_its_handshake_is_closed()
    {
        await using TestHub hub = await _house.StartAsync();
        await using TcpMiner raw = await TcpMiner.ConnectAsync(hub.Hub.HttpEndPoint);
        await raw.SendRawAsync([22, 3, 1]);
        Task end = raw.ExpectEndAsync();
        await hub.UntilConnectedAsync(1);
        hub.AdvanceSec(1.9);
        Assert.False(end.IsCompleted);
        hub.AdvanceSec(0.1);
        await end;
    }

    [Fact]
    public async Task Hello_has_its_two_seconds_after_those_of_the_handshake()
    {
        await using TestHub hub = await _house.StartAsync();
        string key = await _house.IssueKeyAsync(hub, "m");
        using Socket late = await TlsHouse.DialAsync(hub);
        using Socket silent = await TlsHouse.DialAsync(hub);
        await hub.UntilWaitingAsync(2);
        hub.AdvanceSec(1.9);
        await using TlsMiner greets = await _house.SecureAsync(late);
        await using TlsMiner says = await _house.SecureAsync(silent);
        await hub.UntilConversingAsync(2);
        hub.AdvanceSec(1.9);
        await greets.Miner.HelloAsync("m", key);
        hub.AdvanceSec(0.1);
        _ = await says.Miner.ExpectGoodbyeAsync(CloseReason.HelloTimeout);
    }
}

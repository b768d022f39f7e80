using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using PoolHub.Protocol;
using PoolHub.Protocol.Wire;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Gateway;

/// <summary>Both doors over TLS, and miners that show a certificate.</summary>
public sealed class TlsTests : IDisposable
{
    private readonly Certificates _own = new();

    public void Dispose() => _own.Dispose();

    [Fact]
    public async Task Both_doors_speak_tls_and_nothing_else()
    {
        await using TestHub hub = await StartAsync();
        await using (TlsMiner miner = await ConnectAsync(hub))
        {
            await miner.Miner.HelloAsync("m", await IssueKeyAsync(hub, "m"));
        }
        using HubClient https = Https(hub);
        _ = (await https.GetAsync("/v1/health")).Expect(200);
        await using TcpMiner plain = await TcpMiner.ConnectAsync(hub.Hub.TcpEndPoint);
        await plain.SendAsync(new Hello(1, [], "m", "k", null));
        await plain.ExpectEndAsync();
        _ = await Assert.ThrowsAsync<HttpRequestException>(() => hub.Http.GetAsync("/v1/health"));
    }

    [Fact]
    public async Task Doors_open_to_the_network_where_they_speak_tls()
    {
        await using TestHub hub = await StartAsync(("POOLHUB_BIND", "0.0.0.0"));
        await using TlsMiner miner = await ConnectAsync(hub);
        Assert.Equal(IPAddress.Any, hub.Hub.TcpEndPoint.Address);
        await miner.Miner.HelloAsync("m", await IssueKeyAsync(hub, "m"));
    }

    [Theory]
#pragma warning disable SYSLIB0039, CA5397, CA5398 // Versions are what this is about.
    [InlineData(SslProtocols.Tls12, true)]
    [InlineData(SslProtocols.Tls13, true)]
    [InlineData(SslProtocols.Tls11, false)]
#pragma warning restore SYSLIB0039, CA5397, CA5398
    public async Task Only_tls_12_and_13_are_spoken(SslProtocols protocol, bool spoken)
    {
        await using TestHub hub = await StartAsync();
        Exception? refused = await Record.ExceptionAsync(async () => await (await ConnectAsync(hub, protocol: protocol)).DisposeAsync());
        Assert.Equal(spoken, refused is null);
    }

    [Fact]
    public async Task New_certificate_counts_after_a_reload_and_nobody_is_dropped()
    {
        await using TestHub hub = await StartAsync();
        await using TlsMiner before = await ConnectAsync(hub);
        string first = before.HubCertificate;
        await before.Miner.EnrolAsync("m", await IssueKeyAsync(hub, "m"));
        using X509Certificate2 fresh = _own.IssueHub();
        Assert.Empty(hub.Reload());
        await using TlsMiner after = await ConnectAsync(hub);
        Assert.Equal(fresh.Thumbprint, after.HubCertificate);
        Assert.NotEqual(first, after.HubCertificate);
        await before.Miner.BeatAsync(1);
    }

    [Fact]
    public async Task Bad_file_at_a_reload_leaves_the_certificate_in_use()
    {
        await using TestHub hub = await StartAsync();
        _ = _own.Write("hub.key", "nothing");
        Assert.Contains("TLS_KEY", Assert.Single(hub.Reload()), StringComparison.Ordinal);
        hub.Logs.Expect("TLS_KEY");
        await using TlsMiner miner = await ConnectAsync(hub);
    }

    [Fact]
    public async Task Certificate_must_name_its_miner()
    {
        await using TestHub hub = await StartAsync(("TLS_CLIENT_CA", _own.CaFile), ("MINER_AUTH", "both"));
        string key = await IssueKeyAsync(hub, "rig-1");
        using X509Certificate2 own = _own.IssueMiner("rig-1");
        using X509Certificate2 other = _own.IssueMiner("rig-2");
        await using (TlsMiner wrong = await ConnectAsync(hub, other))
        {
            await wrong.Miner.SendAsync(new Hello(1, [], "rig-1", key, null));
            Goodbye goodbye = await wrong.Miner.ExpectGoodbyeAsync(CloseReason.BadCredentials);
            Assert.Contains("does not name this miner", goodbye.Detail, StringComparison.Ordinal);
        }
        await using (TlsMiner keyless = await ConnectAsync(hub, own))
        {
            await keyless.Miner.SendAsync(new Hello(1, [], "rig-1", null, null));
            _ = await keyless.Miner.ExpectGoodbyeAsync(CloseReason.Malformed);
        }
        await using TlsMiner right = await ConnectAsync(hub, own);
        await right.Miner.EnrolAsync("rig-1", key);
        // A stolen token is worth nothing beside another certificate.
        await using TlsMiner thief = await ConnectAsync(hub, other);
        await thief.Miner.SendAsync(new Hello(1, [], "rig-1", null, right.Miner.Token));
        _ = await thief.Miner.ExpectGoodbyeAsync(CloseReason.StaleSession);
    }

    [Fact]
    public async Task Certificate_is_enough_where_the_hub_says_so()
    {
        await using TestHub hub = await StartAsync(("TLS_CLIENT_CA", _own.CaFile), ("MINER_AUTH", "mtls"));
        using X509Certificate2 own = _own.IssueMiner("rig-1");
        for (int i = 0; i < 2; i++)
        {
            await using TlsMiner miner = await ConnectAsync(hub, own);
            await miner.Miner.SendAsync(new Hello(1, [], "rig-1", null, null));
            _ = await miner.Miner.ExpectAsync<Welcome>();
            await miner.Miner.SendAsync(new Register(Samples.Profile));
            _ = await miner.Miner.ExpectAsync<Registered>();
        }
        using HubClient admin = Https(hub, TestHub.AdminToken);
        _ = (await admin.SendAsync(HttpMethod.Delete, "/v1/miners/rig-1/key", null)).Expect(200);
        await using TlsMiner revoked = await ConnectAsync(hub, own);
        await revoked.Miner.SendAsync(new Hello(1, [], "rig-1", null, null));
        _ = await revoked.Miner.ExpectGoodbyeAsync(CloseReason.BadCredentials);
    }

    [Fact]
    public async Task Certificate_of_a_strange_authority_or_none_ends_the_handshake()
    {
        await using TestHub hub = await StartAsync(("TLS_CLIENT_CA", _own.CaFile), ("MINER_AUTH", "mtls"));
        using var strange = new Certificates("strange");
        using X509Certificate2 forged = strange.IssueMiner("rig-1");
        foreach (X509Certificate2? certificate in (X509Certificate2?[])[forged, null])
        {
            _ = await Assert.ThrowsAnyAsync<Exception>(async () =>
            {
                await using TlsMiner miner = await ConnectAsync(hub, certificate);
                await miner.Miner.HelloAsync("rig-1", "k");
            });
        }
    }

    [Fact]
    public async Task Miner_over_https_shows_its_certificate_and_a_coordinator_needs_none()
    {
        await using TestHub hub = await StartAsync(("TLS_CLIENT_CA", _own.CaFile), ("MINER_AUTH", "mtls"));
        using X509Certificate2 own = _own.IssueMiner("rig-1");
        using HubClient miner = Https(hub, certificate: own);
        string body = Samples.Registration("rig-1", "").Replace("\"api_key\":\"\",", "", StringComparison.Ordinal);
        _ = (await miner.PostAsync("/v1/miners/register", body)).Expect(200);
        using HubClient bare = Https(hub);
        _ = (await bare.PostAsync("/v1/miners/register", body)).Expect(401);
        using HubClient coordinator = Https(hub, TestHub.CoordinatorSecret);
        _ = (await coordinator.PostAsync("/v1/match", """{"job_id":"j"}""")).Expect(200);
    }

    [Fact]
    public async Task Client_that_does_not_finish_its_handshake_is_closed()
    {
        await using TestHub hub = await StartAsync();
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
        await using TestHub hub = await StartAsync();
        string key = await IssueKeyAsync(hub, "m");
        using Socket late = await DialAsync(hub);
        using Socket silent = await DialAsync(hub);
        await hub.UntilWaitingAsync(2);
        hub.AdvanceSec(1.9);
        await using TlsMiner greets = await SecureAsync(late);
        await using TlsMiner says = await SecureAsync(silent);
        hub.AdvanceSec(1.9);
        await greets.Miner.HelloAsync("m", key);
        hub.AdvanceSec(0.1);
        _ = await says.Miner.ExpectGoodbyeAsync(CloseReason.HelloTimeout);
    }

    private async Task<TestHub> StartAsync(params (string Name, string Value)[] more)
    {
        using X509Certificate2 _ = _own.IssueHub();
        return await TestHub.StartAsync([("TLS_CERT", _own.CertFile), ("TLS_KEY", _own.KeyFile), .. more]);
    }

    private async Task<string> IssueKeyAsync(TestHub hub, string minerId)
    {
        using HubClient admin = Https(hub, TestHub.AdminToken);
        return (await admin.PostAsync($"/v1/miners/{minerId}/key")).Expect(200).Text("api_key");
    }

    /// <summary>The hub's certificate must come from the test's authority and name localhost.</summary>
    private X509ChainPolicy Trust()
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.Add(_own.Root);
        return policy;
    }

    private HubClient Https(TestHub hub, string? secret = null, X509Certificate2? certificate = null)
    {
        var handler = new SocketsHttpHandler();
        (handler.SslOptions.CertificateChainPolicy, handler.SslOptions.TargetHost) = (Trust(), "localhost");
        if (certificate is not null)
        {
            handler.SslOptions.ClientCertificates = [certificate];
        }
        return new HubClient(new HttpClient(handler) { BaseAddress = new Uri($"https://{hub.HttpEndPoint}") }, secret);
    }

    private async Task<TlsMiner> ConnectAsync(TestHub hub, X509Certificate2? certificate = null, SslProtocols protocol = SslProtocols.None) =>
        await SecureAsync(await DialAsync(hub), certificate, protocol);

    private static async Task<Socket> DialAsync(TestHub hub)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(hub.TcpEndPoint);
        return socket;
    }

    private async Task<TlsMiner> SecureAsync(Socket socket, X509Certificate2? certificate = null, SslProtocols protocol = SslProtocols.None)
    {
        var tls = new SslStream(new NetworkStream(socket, ownsSocket: true));
        await tls.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions
            {
                TargetHost = "localhost",
                EnabledSslProtocols = protocol,
                ClientCertificates = certificate is null ? null : [certificate],
                CertificateChainPolicy = Trust(),
            },
            TestContext.Current.CancellationToken).WaitAsync(TestHub.Patience);
        return new TlsMiner(new TcpMiner(socket, tls), tls.RemoteCertificate!.GetCertHashString());
    }

    private sealed class TlsMiner(TcpMiner miner, string hubCertificate) : IAsyncDisposable
    {
        public TcpMiner Miner => miner;

        /// <summary>Thumbprint.</summary>
        public string HubCertificate => hubCertificate;

        public ValueTask DisposeAsync() => miner.DisposeAsync();
    }
}

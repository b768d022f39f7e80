using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Gateway;

/// <summary>A hub that speaks TLS, and who comes to it.</summary>
internal sealed class TlsHouse : IDisposable
{
    public Certificates Own { get; } = new();

    public void Dispose() => Own.Dispose();

    public async Task<TestHub> StartAsync(params (string Name, string Value)[] more)
    {
        using X509Certificate2 _ = Own.IssueHub();
        return await TestHub.StartAsync([("TLS_CERT", Own.CertFile), ("TLS_KEY", Own.KeyFile), .. more]);
    }

    public async Task<string> IssueKeyAsync(TestHub hub, string minerId)
    {
        using HubClient admin = Https(hub, TestHub.AdminToken);
        return (await admin.PostAsync($"/v1/miners/{minerId}/key")).Expect(200).Text("api_key");
    }

    public HubClient Https(TestHub hub, string? secret = null, X509Certificate2? certificate = null)
    {
        var http = new HttpClient(Handler(certificate)) { BaseAddress = new Uri($"https://{hub.HttpEndPoint}") };
        return new HubClient(http, secret);
    }

    public Task<WsMiner> ConnectWebAsync(TestHub hub, X509Certificate2? certificate = null, string? token = null) =>
        WsMiner.ConnectAsync(hub.HttpEndPoint, token, inHeader: true, new HttpMessageInvoker(Handler(certificate)));

    public async Task<TlsMiner> ConnectAsync(TestHub hub, X509Certificate2? certificate = null, SslProtocols protocol = SslProtocols.None) =>
        await SecureAsync(await DialAsync(hub), certificate, protocol);

    public static async Task<Socket> DialAsync(TestHub hub)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(hub.TcpEndPoint);
        return socket;
    }

    public async Task<TlsMiner> SecureAsync(Socket socket, X509Certificate2? certificate = null, SslProtocols protocol = SslProtocols.None)
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

    private SocketsHttpHandler Handler(X509Certificate2? certificate)
    {
        var handler = new SocketsHttpHandler();
        (handler.SslOptions.CertificateChainPolicy, handler.SslOptions.TargetHost) = (Trust(), "localhost");
        if (certificate is not null)
        {
            handler.SslOptions.ClientCertificates = [certificate];
        }
        return handler;
    }

    /// <summary>The hub's certificate must come from the test's authority and name localhost.</summary>
    private X509ChainPolicy Trust()
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.Add(Own.Root);
        return policy;
    }
}

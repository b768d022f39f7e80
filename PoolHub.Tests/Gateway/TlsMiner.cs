using PoolHub.Tests.Support;

namespace PoolHub.Tests.Gateway;

/// <summary>A miner over TLS.</summary>
/// <param name="hubCertificate">Thumbprint of the certificate that the hub showed.</param>
internal sealed class TlsMiner(TcpMiner miner, string hubCertificate) : IAsyncDisposable
{
    public TcpMiner Miner => miner;
    public string HubCertificate => hubCertificate;

    public ValueTask DisposeAsync() => miner.DisposeAsync();
}

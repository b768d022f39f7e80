using System.Net.Security;
using System.Security.Authentication;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace PoolHub.Daemon.Access;

/// <summary>
/// TLS of both doors, and whether a miner's certificate is its own. New files count for the next handshake; connections
/// that are open stay as they are.
/// </summary>
internal sealed class Tls
{
    /// <summary>The gate closes long before, without a timer for each: this stands behind it.</summary>
    private static readonly TimeSpan HandshakeTimeout = TimeSpan.FromSeconds(10);

    private volatile Loaded _loaded;

    public Tls(TlsOptions options) => _loaded = new Loaded(options);

    public bool IsOn => _loaded.Options.Certificate is not null;

    public MinerAuth MinerAuth => _loaded.Options.MinerAuth;

    /// <summary>Takes new files over. Doors do not begin to encrypt, or cease to, while they are open.</summary>
    public void Reload(TlsOptions options)
    {
        if (options.Certificate is not null == IsOn)
        {
            _loaded = new Loaded(options);
        }
    }

    public void UseAtMinerDoor(ListenOptions door) => Use(door, atMinerDoor: true);

    /// <summary>Coordinators and admins need no certificate; miners that speak HTTP may.</summary>
    public void UseAtHttpDoor(ListenOptions door) => Use(door, atMinerDoor: false);

    /// <summary>Why this peer may not be this miner, for people; null when it may as far as certificates go.</summary>
    public string? Refuse(string minerId, Peer peer) =>
        peer.CertifiedIds is null ? MinerAuth == MinerAuth.Key ? null : "this hub asks for a client certificate that names the miner"
        : Array.Exists(peer.CertifiedIds, id => id == minerId) ? null
        : "the client certificate does not name this miner among its DNS names";

    private void Use(ListenOptions door, bool atMinerDoor)
    {
        if (IsOn)
        {
            door.UseHttps(new HttpsConnectionAdapterOptions
            {
                HandshakeTimeout = HandshakeTimeout,
                ServerCertificate = _loaded.Options.Certificate!.TargetCertificate,
                OnAuthenticate = (_, handshake) => _loaded.Apply(handshake, atMinerDoor),
            });
        }
    }

    private sealed record Loaded(TlsOptions Options)
    {
        public void Apply(SslServerAuthenticationOptions handshake, bool atMinerDoor)
        {
            bool demands = atMinerDoor && Options.MinerAuth != MinerAuth.Key;
            handshake.ServerCertificate = null;
            handshake.ServerCertificateContext = Options.Certificate;
#pragma warning disable CA5398 // What the system allows may be older.
            handshake.EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13;
#pragma warning restore CA5398
            handshake.ClientCertificateRequired = Options.ClientCa is not null;
            handshake.CertificateChainPolicy = Options.ClientCa;
            handshake.RemoteCertificateValidationCallback = (_, _, _, errors) =>
                errors == SslPolicyErrors.None || (errors == SslPolicyErrors.RemoteCertificateNotAvailable && !demands);
        }
    }
}

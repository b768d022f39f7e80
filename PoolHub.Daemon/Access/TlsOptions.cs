using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using PoolHub.Daemon.Settings;

namespace PoolHub.Daemon.Access;

/// <summary>How a miner shows who it is when its session begins.</summary>
internal enum MinerAuth
{
    /// <summary>By its key.</summary>
    Key,
    /// <summary>By its certificate.</summary>
    Mtls,
    /// <summary>By its key and its certificate.</summary>
    Both,
}

/// <summary>TLS of both doors, as its PEM files were when they were read.</summary>
/// <param name="Certificate">With those that lie between it and its root; null: the doors do not encrypt.</param>
/// <param name="ClientCa">Who signs the certificates of miners; null: they are not asked for any.</param>
internal sealed record TlsOptions(SslStreamCertificateContext? Certificate, X509ChainPolicy? ClientCa, MinerAuth MinerAuth)
{
    private const string PemStart = "-----BEGIN";

    /// <summary>"TLS Web Client Authentication", RFC 5280, 4.2.1.12.</summary>
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";

    public static TlsOptions None { get; } = new(null, null, MinerAuth.Key);

    public static TlsOptions Read(SettingsReader settings)
    {
        int before = settings.Problems.Count;
        string? certificate = Pem(settings, "TLS_CERT", settings.Text("TLS_CERT"));
        string? key = Pem(settings, "TLS_KEY", settings.Text("TLS_KEY"));
        string? ca = Pem(settings, "TLS_CLIENT_CA", settings.Text("TLS_CLIENT_CA"));
        MinerAuth auth = settings.Choice("MINER_AUTH", ca is null ? "key" : "both", "key", "mtls", "both") switch
        {
            "mtls" => MinerAuth.Mtls,
            "both" => MinerAuth.Both,
            _ => MinerAuth.Key,
        };
        if (settings.Problems.Count > before)
        {
            // What cannot be read is not missing as well.
            return None;
        }
        if (certificate is null != key is null)
        {
            settings.Fail(certificate is null ? "TLS_CERT" : "TLS_KEY", "is needed beside the other: TLS_CERT and TLS_KEY are a pair");
            return None;
        }
        if (ca is not null && certificate is null)
        {
            settings.Fail("TLS_CLIENT_CA", "needs TLS_CERT and TLS_KEY: certificates of miners are shown inside of TLS");
        }
        if (auth != MinerAuth.Key && ca is null)
        {
            settings.Fail("MINER_AUTH", $"{settings.Text("MINER_AUTH")} needs TLS_CLIENT_CA: who signs the miners' certificates?");
        }
        return new TlsOptions(
            certificate is null ? null : ReadCertificate(settings, certificate, key!),
            ca is null ? null : ReadClientCa(settings, ca),
            auth);
    }

    /// <summary>The PEM text itself, which a systemd credential holds, or of the file that is named.</summary>
    private static string? Pem(SettingsReader settings, string name, string? value)
    {
        if (value is null || value.StartsWith(PemStart, StringComparison.Ordinal))
        {
            return value;
        }
        try
        {
            return File.ReadAllText(value);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            settings.Fail(name, $"cannot be read: {e.Message}");
            return null;
        }
    }

    private static SslStreamCertificateContext? ReadCertificate(SettingsReader settings, string certificate, string key)
    {
        X509Certificate2 own;
        X509Certificate2Collection all = [];
        try
        {
            all.ImportFromPem(certificate);
            if (all.Count == 0)
            {
                settings.Fail("TLS_CERT", "holds no certificate in PEM form");
                return null;
            }
            own = all[0];
        }
        catch (CryptographicException e)
        {
            settings.Fail("TLS_CERT", $"is no certificate in PEM form: {e.Message}");
            return null;
        }
        try
        {
            all.RemoveAt(0);
#pragma warning disable CA2000 // Used until the next reload, by handshakes that nobody counts.
            // Offline: what lies between it and its root stands in the file, and nobody is asked for it over the network.
            return SslStreamCertificateContext.Create(X509Certificate2.CreateFromPem(own.ExportCertificatePem(), key), all, offline: true);
#pragma warning restore CA2000
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            settings.Fail("TLS_KEY", $"is not the private key of TLS_CERT in PEM form: {e.Message}");
            return null;
        }
    }

    private static X509ChainPolicy? ReadClientCa(SettingsReader settings, string pem)
    {
        X509Certificate2Collection all = [];
        try
        {
            all.ImportFromPem(pem);
        }
        catch (CryptographicException e)
        {
            settings.Fail("TLS_CLIENT_CA", $"is no certificate in PEM form: {e.Message}");
            return null;
        }
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        foreach (X509Certificate2 certificate in all)
        {
            bool isRoot = certificate.Subject == certificate.Issuer;
            (isRoot ? policy.CustomTrustStore : policy.ExtraStore).Add(certificate);
        }
        if (policy.CustomTrustStore.Count == 0)
        {
            settings.Fail("TLS_CLIENT_CA", "holds no root: a certificate that signs itself, in PEM form");
            return null;
        }
        _ = policy.ApplicationPolicy.Add(new Oid(ClientAuthentication));
        return policy;
    }
}

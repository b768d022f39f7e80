using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace PoolHub.Tests.Support;

/// <summary>A certificate authority of the test's own, and its PEM files.</summary>
internal sealed class Certificates : IDisposable
{
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";

    private readonly string _dir = Directory.CreateTempSubdirectory("poolhub-tls-").FullName;

    public Certificates(string name = "test")
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name} root", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        Root = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(30));
    }

    public X509Certificate2 Root { get; }
    public string CaFile => Write("ca.pem", Root.ExportCertificatePem());
    public string CertFile => Path.Combine(_dir, "hub.pem");
    public string KeyFile => Path.Combine(_dir, "hub.key");

    /// <summary>Makes a certificate for the hub and puts it into the files.</summary>
    public X509Certificate2 IssueHub()
    {
        X509Certificate2 hub = Issue("localhost", ServerAuthentication);
        _ = Write("hub.pem", hub.ExportCertificatePem());
        _ = Write("hub.key", hub.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
        return hub;
    }

    public X509Certificate2 IssueMiner(string minerId) => Issue(minerId, ClientAuthentication);

    public string Write(string file, string text)
    {
        string path = Path.Combine(_dir, file);
        File.WriteAllText(path, text);
        return path;
    }

    public void Dispose()
    {
        Root.Dispose();
        Directory.Delete(_dir, recursive: true);
    }

    private X509Certificate2 Issue(string dnsName, string use)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=some", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(dnsName);
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(use)], critical: false));
        byte[] serial = RandomNumberGenerator.GetBytes(8);
        serial[0] &= 0x7F;
        using X509Certificate2 bare = request.Create(Root, DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(20), serial);
        return bare.CopyWithPrivateKey(key);
    }
}

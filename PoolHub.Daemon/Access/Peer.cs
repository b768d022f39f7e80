using System.Net;
using System.Security.Cryptography.X509Certificates;

namespace PoolHub.Daemon.Access;

/// <summary>Who is at the other end, as far as the connection itself tells.</summary>
/// <param name="Address">Where it comes from.</param>
/// <param name="CertifiedIds">The miner ids that its certificate names (DNS names among its subject alternative names); null when it showed none.</param>
internal sealed record Peer(AddressBlock Address, string[]? CertifiedIds = null)
{
    public static Peer Unknown { get; } = new(default(AddressBlock));

    public static Peer Of(IPAddress? address, X509Certificate2? certificate) => new(
        AddressBlock.Of(address),
        certificate is null ? null : [.. certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().SelectMany(e => e.EnumerateDnsNames())]);
}

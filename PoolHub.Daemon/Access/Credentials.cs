using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.Extensions.Primitives;
using PoolHub.Daemon.Http;

namespace PoolHub.Daemon.Access;

internal enum Caller
{
    Nobody,
    Coordinator,
    Admin,
}

/// <summary>
/// The coordinators' secrets and the admins' tokens. Kept as SHA-256 hashes, so that the comparison takes the same time
/// whatever is sent and however long it is.
/// </summary>
internal sealed class Credentials
{
    private const string Scheme = "Bearer ";

    private Known _known;

    public Credentials(AccessOptions options, string stateDir) => _known = Hash(options, stateDir);

    /// <summary>Takes new secrets over; those in flight are judged by the old ones.</summary>
    public void Reload(AccessOptions options, string stateDir) => Volatile.Write(ref _known, Hash(options, stateDir));

    /// <summary>Who calls: by <c>Authorization: Bearer …</c> or <c>X-PoolHub-Secret: …</c>.</summary>
    public Caller Identify(HttpRequest request)
    {
        Known known = Volatile.Read(ref _known);
        if (request.Headers.TryGetValue("X-PoolHub-Secret", out StringValues secret) && secret.Count == 1)
        {
            return Identify(secret[0], known);
        }
        string? header = request.Headers.Authorization;
        if (header is null || !header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
        {
            return Caller.Nobody;
        }
        IDictionary<object, object?>? connection = request.HttpContext.Features.Get<IConnectionItemsFeature>()?.Items;
        if (connection is not null && connection.TryGetValue(typeof(Seen), out object? item)
            && item is Seen seen && ReferenceEquals(seen.Header, header) && ReferenceEquals(seen.Known, known))
        {
            return seen.Caller;
        }
        Caller caller = Identify(header[Scheme.Length..].Trim(), known);
        connection?[typeof(Seen)] = new Seen(header, known, caller);
        return caller;
    }

    /// <summary>True when the caller is who it must be; else 401 or 403 has been answered.</summary>
    public ValueTask<bool> RequireAsync(HttpContext http, Caller wanted)
    {
        Caller caller = Identify(http.Request);
        return caller == wanted ? ValueTask.FromResult(true) : new ValueTask<bool>(RefuseAsync(http, caller, wanted));
    }

    private static async Task<bool> RefuseAsync(HttpContext http, Caller caller, Caller wanted)
    {
        if (caller == Caller.Nobody)
        {
            await http.Response.ProblemAsync(StatusCodes.Status401Unauthorized,
                $"send the {(wanted == Caller.Admin ? "admin's token" : "coordinator's secret")} as 'Authorization: Bearer …' or 'X-PoolHub-Secret: …'");
        }
        else
        {
            await http.Response.ProblemAsync(StatusCodes.Status403Forbidden,
                wanted == Caller.Admin ? "this call is for admins" : "this call is for coordinators");
        }
        return false;
    }

    private static Caller Identify(string? secret, Known known)
    {
        if (secret is null)
        {
            return Caller.Nobody;
        }
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(secret), hash);
        bool admin = Contains(known.Admins, hash);
        bool coordinator = Contains(known.Coordinators, hash);
        return admin ? Caller.Admin : coordinator ? Caller.Coordinator : Caller.Nobody;
    }

    private static bool Contains(byte[][] hashes, ReadOnlySpan<byte> hash)
    {
        bool found = false;
        foreach (byte[] known in hashes)
        {
            found |= CryptographicOperations.FixedTimeEquals(known, hash);
        }
        return found;
    }

    private static Known Hash(AccessOptions options, string stateDir) => new(
        Hash(options.CoordinatorSecrets, options.CredentialsDir, stateDir, SecretFile.CoordinatorSecret),
        Hash(options.AdminTokens, options.CredentialsDir, stateDir, SecretFile.AdminToken));

    private static byte[][] Hash(string[] secrets, string? credentialsDir, string stateDir, string ownName)
    {
        if (secrets.Length == 0)
        {
            secrets = [SecretFile.Find(credentialsDir, ownName) ?? SecretFile.ReadOrCreate(stateDir, ownName, out _)];
        }
        return [.. secrets.Select(s => SHA256.HashData(Encoding.UTF8.GetBytes(s)))];
    }

    private sealed record Known(byte[][] Coordinators, byte[][] Admins);

    /// <summary>
    /// Who a connection was known to be by its last header. While it repeats that, Kestrel gives the very same string: it
    /// is told by its reference, without a look at its characters, so there is nothing to time.
    /// </summary>
    private sealed record Seen(string Header, Known Known, Caller Caller);
}

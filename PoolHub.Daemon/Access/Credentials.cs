using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.Extensions.Primitives;
using PoolHub.Daemon.Http;
using PoolHub.Protocol;

namespace PoolHub.Daemon.Access;

[Flags]
internal enum Caller
{
    Nobody = 0,
    Coordinator = 1,
    Admin = 2,
}

/// <param name="Name">Of the coordinator or the admin.</param>
/// <param name="Coordinator">Null when it is none.</param>
internal sealed record Identity(Caller Caller, string Name, Coordinator? Coordinator = null)
{
    public static Identity Nobody { get; } = new(Caller.Nobody, "");

    /// <summary>Tells callers apart; a coordinator and an admin may have the same name.</summary>
    public string FullName { get; } = $"{Caller} {Name}";

    /// <summary>What nobody is told in place of being nobody.</summary>
    public LoginRefusal? Refusal { get; init; }
}

/// <summary>
/// The coordinators' secrets and the admins' tokens. Kept as SHA-256 hashes, so that the comparison takes the same time
/// whatever is sent and however long it is.
/// </summary>
internal sealed class Credentials
{
    private const string Scheme = "Bearer ";

    private readonly Coordinators _coordinators;
    private readonly LoginGuard _guard;
    private Known _known;

    public Credentials(AccessOptions options, string stateDir, Coordinators coordinators, LoginGuard guard)
    {
        (_coordinators, _guard) = (coordinators, guard);
        _known = Hash(options, stateDir);
    }

    /// <summary>Takes new secrets and limits over; those in flight are judged by the old ones.</summary>
    public void Reload(AccessOptions options, string stateDir) => Volatile.Write(ref _known, Hash(options, stateDir));

    /// <summary>Who calls: by <c>Authorization: Bearer …</c> or <c>X-PoolHub-Secret: …</c>.</summary>
    public Identity Identify(HttpRequest request)
    {
        Known known = Volatile.Read(ref _known);
        IDictionary<object, object?>? connection = request.HttpContext.Features.Get<IConnectionItemsFeature>()?.Items;
        if (request.Headers.TryGetValue("X-PoolHub-Secret", out StringValues secret) && secret.Count == 1)
        {
            return Note(connection, Identify(request, secret[0], known));
        }
        string? header = request.Headers.Authorization;
        if (header is null || !header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
        {
            return Identity.Nobody;
        }
        if (connection is not null && connection.TryGetValue(typeof(Seen), out object? item)
            && item is Seen seen && ReferenceEquals(seen.Header, header) && ReferenceEquals(seen.Known, known))
        {
            if (_guard.IsTimeToSayAgain(ref seen.EnteredAt))
            {
                _guard.Entered(AddressOf(request));
            }
            return seen.Identity;
        }
        Identity identity = Identify(request, header[Scheme.Length..].Trim(), known);
        if (identity.Caller != Caller.Nobody)
        {
            connection?[typeof(Seen)] = new Seen(header, known, identity);
        }
        return Note(connection, identity);
    }

    /// <summary>Long answers are counted by whom they are for.</summary>
    private static Identity Note(IDictionary<object, object?>? connection, Identity identity)
    {
        connection?[AnswerBudget.Caller] = identity.FullName;
        return identity;
    }

    /// <summary>Who calls, when it is one of those wanted; null after 401 or 403 has been answered.</summary>
    public ValueTask<Identity?> AuthenticateAsync(HttpContext http, Caller wanted)
    {
        Identity identity = Identify(http.Request);
        return (identity.Caller & wanted) != 0
            ? ValueTask.FromResult<Identity?>(identity)
            : new ValueTask<Identity?>(RefuseAsync(http, identity, wanted));
    }

    /// <summary>True when the caller is who it must be; else 401 or 403 has been answered.</summary>
    public async ValueTask<bool> RequireAsync(HttpContext http, Caller wanted) => await AuthenticateAsync(http, wanted) is not null;

    /// <summary>
    /// Whether a match is another coordinator's. An admin may see all, and a match of a coordinator that is named no more
    /// is nobody's.
    /// </summary>
    /// <param name="caller">Who asks.</param>
    /// <param name="tag">The <see cref="Coordinator.Tag"/> in the match's id; null when it is no such id.</param>
    public bool IsAnothers(Identity caller, uint? tag) =>
        caller.Coordinator is { } own && tag is { } given && given != own.Tag && _coordinators.Find(given) is not null;

    /// <summary>True unless a match <see cref="IsAnothers"/>; then 403 has been answered.</summary>
    public ValueTask<bool> RequireOwnMatchAsync(HttpContext http, Identity caller, uint? tag) =>
        IsAnothers(caller, tag) ? new ValueTask<bool>(RefuseMatchAsync(http)) : ValueTask.FromResult(true);

    /// <summary>Answers 403; false.</summary>
    public static async Task<bool> RefuseMatchAsync(HttpContext http)
    {
        await http.Response.ProblemAsync(StatusCodes.Status403Forbidden, "the match is another coordinator's", "match_id");
        return false;
    }

    private static async Task<Identity?> RefuseAsync(HttpContext http, Identity identity, Caller wanted)
    {
        if (identity.Refusal is { } refusal)
        {
            await http.Response.TooManyAsync(refusal.Detail, refusal.RetryAfter, closes: refusal.Reason == CloseReason.Banned);
        }
        else if (identity.Caller == Caller.Nobody)
        {
            await http.Response.ProblemAsync(StatusCodes.Status401Unauthorized,
                $"send the {(wanted == Caller.Admin ? "admin's token" : "coordinator's secret")} as 'Authorization: Bearer …' or 'X-PoolHub-Secret: …'");
        }
        else
        {
            await http.Response.ProblemAsync(StatusCodes.Status403Forbidden,
                wanted == Caller.Admin ? "this call is for admins" : "this call is for coordinators");
        }
        return null;
    }

    private Identity Identify(HttpRequest request, string? secret, Known known)
    {
        AddressBlock address = AddressOf(request);
        Identity identity = Identify(secret, known);
        if (identity.Caller == Caller.Nobody)
        {
            return _guard.Wrong(LoginKind.Register, address, name: null) is { } refusal ? identity with { Refusal = refusal } : identity;
        }
        _guard.Entered(address);
        return identity;
    }

    private static AddressBlock AddressOf(HttpRequest request) => AddressBlock.Of(request.HttpContext.Connection.RemoteIpAddress);

    private static Identity Identify(string? secret, Known known)
    {
        if (secret is null)
        {
            return Identity.Nobody;
        }
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(secret), hash);
        Identity? admin = Find(known.Admins, hash);
        Identity? coordinator = Find(known.Coordinators, hash);
        return admin ?? coordinator ?? Identity.Nobody;
    }

    /// <summary>Looks at all of them, whichever it is.</summary>
    private static Identity? Find((byte[] Hash, Identity Identity)[] all, ReadOnlySpan<byte> hash)
    {
        Identity? found = null;
        foreach ((byte[] known, Identity identity) in all)
        {
            found = CryptographicOperations.FixedTimeEquals(known, hash) ? identity : found;
        }
        return found;
    }

    private Known Hash(AccessOptions options, string stateDir)
    {
        NamedSecret[] coordinators = SecretsOf(options.CoordinatorSecrets, options.CredentialsDir, stateDir, SecretFile.CoordinatorSecret);
        NamedSecret[] admins = SecretsOf(options.AdminTokens, options.CredentialsDir, stateDir, SecretFile.AdminToken);
        var named = _coordinators.Reload(coordinators.Select(s => s.Name), options).ToDictionary(c => c.Name);
        return new Known(
            Array.ConvertAll(coordinators, s => (Hash(s), new Identity(Caller.Coordinator, s.Name, named[s.Name]))),
            Array.ConvertAll(admins, s => (Hash(s), new Identity(Caller.Admin, s.Name))));
    }

    private static NamedSecret[] SecretsOf(NamedSecret[] given, string? credentialsDir, string stateDir, string ownName) => given.Length > 0
        ? given
        : [new(NamedSecret.DefaultName, SecretFile.Find(credentialsDir, ownName) ?? SecretFile.ReadOrCreate(stateDir, ownName, out _))];

    private static byte[] Hash(NamedSecret secret) => SHA256.HashData(Encoding.UTF8.GetBytes(secret.Secret));

    private sealed record Known((byte[] Hash, Identity Identity)[] Coordinators, (byte[] Hash, Identity Identity)[] Admins);

    /// <summary>
    /// Who a connection was known to be by its last header. While it repeats that, Kestrel gives the very same string: it
    /// is told by its reference, without a look at its characters, so there is nothing to time.
    /// </summary>
    private sealed class Seen(string header, Known known, Identity identity)
    {
        public string Header => header;
        public Known Known => known;
        public Identity Identity => identity;

        /// <summary>When it was last said that somebody is in from there; a timestamp, zero before the second request.</summary>
        public long EnteredAt;
    }
}

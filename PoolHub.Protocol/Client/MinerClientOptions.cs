using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using PoolHub.Protocol.Wire;

namespace PoolHub.Protocol.Client;

/// <summary>Everything that a <see cref="MinerClient"/> needs to know before it starts.</summary>
public sealed record MinerClientOptions
{
    /// <summary>The port of a <c>tcp</c> or <c>tcps</c> address that names none.</summary>
    public const int DefaultTcpPort = 8204;

    /// <summary>
    /// Where the hub is and how it is spoken to: <c>tcp://host:8204</c>, <c>ws://host:8203</c> or
    /// <c>http://host:8203</c>, or the same over TLS with <c>tcps</c>, <c>wss</c>, <c>https</c>. A path in front of the
    /// hub's own (<c>https://example.org/api</c>) is kept.
    /// </summary>
    public required Uri Hub { get; init; }

    /// <summary>Who the miner is: 1 to 64 of <c>A-Z a-z 0-9 . _ : -</c>, the id that the key was made for.</summary>
    public required string MinerId { get; init; }

    /// <summary>The miner's key, or what it enrols with: 1 to 128 printable characters.</summary>
    public required string ApiKey { get; init; }

    /// <summary>What it offers at first; commands and updates change it later.</summary>
    public required MinerProfile Profile { get; init; }

    /// <summary>A token kept from an earlier run: the first conversation then tries to resume that session.</summary>
    public string? SessionToken { get; init; }

    /// <summary>The clock of heartbeats, timeouts and pauses.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>For the connection, and then again for the handshake over it.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The first pause after a drop is a random one up to this; each further failure doubles it.</summary>
    public TimeSpan MinBackoff { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>No pause after a drop is longer, unless the hub asks for it.</summary>
    public TimeSpan MaxBackoff { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// For <c>ws</c> and <c>http</c>: whose connections to use, so that many clients of one process share them. It is not
    /// disposed. When null, all clients of the process share one with the system's settings.
    /// </summary>
    public HttpMessageInvoker? Http { get; init; }

    /// <summary>For <c>tcps</c>: the certificates that the miner shows to a hub that asks for one.</summary>
    public X509CertificateCollection? ClientCertificates { get; init; }

    /// <summary>For <c>tcps</c>: replaces the system's check of the hub's certificate.</summary>
    public RemoteCertificateValidationCallback? CheckHubCertificate { get; init; }

    /// <summary>
    /// Decides about the hub's commands; must return quickly. The client itself carries out what is accepted as far as it
    /// can: it lowers its price, replaces its tags, notes that it drains, reconnects. When null, every command of a known
    /// kind is accepted.
    /// </summary>
    public Func<Command, CommandReply>? OnCommand { get; init; }

    /// <summary>A number from 0 to 1 for each pause; tests give their own.</summary>
    internal Func<double> Jitter { get; init; } = Random.Shared.NextDouble;

    internal static bool IsKnownScheme(string scheme) => scheme is "tcp" or "tcps" or "ws" or "wss" or "http" or "https";

    internal static bool IsTls(string scheme) => scheme is "tcps" or "wss" or "https";

    /// <summary>The first option that no hub could accept, by its wire name, and why.</summary>
    internal (string Field, string Problem)? FindProblem()
    {
        if (!Hub.IsAbsoluteUri || !IsKnownScheme(Hub.Scheme) || Hub.Host.Length == 0)
        {
            return ("hub", "must be an address such as tcp://host:8204, ws://host:8203 or http://host:8203");
        }
        if (!Texts.IsMinerId(MinerId))
        {
            return ("miner_id", Texts.MinerIdRule);
        }
        if (ApiKey.Length is 0 or > Limits.ApiKeyChars || !Texts.IsPrintable(ApiKey))
        {
            return ("api_key", $"must be 1 to {Limits.ApiKeyChars} printable characters");
        }
        if (MinerKey.Check(ApiKey) is MinerKeyForm.Typo)
        {
            return ("api_key", "is mistyped: its checksum does not fit");
        }
        return FindProfileProblem(Profile);
    }

    internal static (string Field, string Problem)? FindProfileProblem(MinerProfile profile)
    {
        if (profile.FindProblem() is { } fault)
        {
            return fault;
        }
        // Every list may be within its own limit and all of them together too long for one frame.
        return Frame.Encode(new Register(profile)).Length > Limits.MaxFrameBytes
            ? ("profile", $"is longer than the {Limits.MaxFrameBytes} bytes of one frame")
            : null;
    }
}

/// <summary>A miner's answer to a command.</summary>
/// <param name="Detail">Why not, for a person; may be empty.</param>
public readonly record struct CommandReply(bool Accepted, string Detail = "");

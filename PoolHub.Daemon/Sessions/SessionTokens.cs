using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using PoolHub.Protocol;

namespace PoolHub.Daemon.Sessions;

internal enum TokenVerdict
{
    /// <summary>Signed by this hub and within its time.</summary>
    Genuine,
    /// <summary>Genuine, and in the second half of its time: replace it.</summary>
    Aging,
    /// <summary>Signed by this hub, but its time is over.</summary>
    Expired,
    /// <summary>Not signed by this hub.</summary>
    Forged,
}

/// <summary>What a token says.</summary>
/// <param name="Epoch">Of the session that it resumes; a newer session makes it stale.</param>
/// <param name="Generation">Of the key with which the session was begun: <see cref="SessionTokens.GenerationOf"/>.</param>
internal readonly record struct TokenClaims(string MinerId, long Epoch, ulong Generation);

/// <summary>
/// Names of sessions that need no table: miner, epoch, the generation of its key and expiry, signed by a key in the state
/// directory, so that they survive a restart.
/// </summary>
internal sealed class SessionTokens(byte[] key, TimeProvider time)
{
    /// <summary>How long a token resumes its session; past half of it, whatever the miner asks brings a fresh one.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromHours(24);

    /// <summary>Those of version 1 did not say of which key they were, and are worth nothing any more.</summary>
    private const byte Version = 2;

    private const int EpochAt = 1;
    private const int ExpiryAt = EpochAt + 8;
    private const int GenerationAt = ExpiryAt + 8;
    private const int HeaderBytes = GenerationAt + 8;
    private const int SignatureBytes = 32;

    private static ReadOnlySpan<byte> GenerationLabel => "key-generation:"u8;

    /// <summary>Stands in tokens for what opened a session, and tells whoever reads one nothing of it.</summary>
    /// <param name="credential">As <see cref="Access.KeyRing"/> knows it: at most 32 bytes.</param>
    public ulong GenerationOf(ReadOnlySpan<byte> credential)
    {
        Span<byte> named = stackalloc byte[GenerationLabel.Length + SHA256.HashSizeInBytes];
        GenerationLabel.CopyTo(named);
        credential.CopyTo(named[GenerationLabel.Length..]);
        Span<byte> hash = stackalloc byte[SignatureBytes];
        HMACSHA256.HashData(key, named[..(GenerationLabel.Length + credential.Length)], hash);
        return BinaryPrimitives.ReadUInt64BigEndian(hash);
    }

    public string Create(in TokenClaims claims)
    {
        Span<byte> token = stackalloc byte[HeaderBytes + Limits.MinerIdChars + SignatureBytes];
        token[0] = Version;
        BinaryPrimitives.WriteInt64BigEndian(token[EpochAt..], claims.Epoch);
        BinaryPrimitives.WriteInt64BigEndian(token[ExpiryAt..], (time.GetUtcNow() + Lifetime).ToUnixTimeMilliseconds());
        BinaryPrimitives.WriteUInt64BigEndian(token[GenerationAt..], claims.Generation);
        int signed = HeaderBytes + Encoding.ASCII.GetBytes(claims.MinerId, token[HeaderBytes..]);
        HMACSHA256.HashData(key, token[..signed], token[signed..]);
        return Base64Url.EncodeToString(token[..(signed + SignatureBytes)]);
    }

    /// <summary>Reads a token that anybody may have sent.</summary>
    public TokenVerdict Read(string? token, out TokenClaims claims)
    {
        claims = new TokenClaims("", 0, 0);
        Span<byte> bytes = stackalloc byte[Limits.SessionTokenChars];
        if (token is not { Length: > 0 and <= Limits.SessionTokenChars }
            || Base64Url.DecodeFromChars(token, bytes, out _, out int length) != OperationStatus.Done
            || length <= HeaderBytes + SignatureBytes
            || bytes[0] != Version)
        {
            return TokenVerdict.Forged;
        }
        int signed = length - SignatureBytes;
        Span<byte> signature = stackalloc byte[SignatureBytes];
        HMACSHA256.HashData(key, bytes[..signed], signature);
        if (!CryptographicOperations.FixedTimeEquals(signature, bytes[signed..length]))
        {
            return TokenVerdict.Forged;
        }
        claims = new TokenClaims(
            Encoding.ASCII.GetString(bytes[HeaderBytes..signed]),
            BinaryPrimitives.ReadInt64BigEndian(bytes[EpochAt..]),
            BinaryPrimitives.ReadUInt64BigEndian(bytes[GenerationAt..]));
        long leftMs = BinaryPrimitives.ReadInt64BigEndian(bytes[ExpiryAt..]) - time.GetUtcNow().ToUnixTimeMilliseconds();
        return leftMs <= 0 ? TokenVerdict.Expired
            : leftMs <= Lifetime.TotalMilliseconds / 2 ? TokenVerdict.Aging
            : TokenVerdict.Genuine;
    }
}

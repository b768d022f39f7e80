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

/// <summary>
/// Names of sessions that need no table: miner, epoch and expiry, signed by a key in the state directory, so that they
/// survive a restart. A newer epoch makes a token stale.
/// </summary>
internal sealed class SessionTokens(byte[] key, TimeProvider time)
{
    /// <summary>How long a token resumes its session; past half of it, whatever the miner asks brings a fresh one.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromHours(24);

    private const byte Version = 1;
    private const int HeaderBytes = 1 + 8 + 8;
    private const int SignatureBytes = 32;

    public string Create(string minerId, long epoch)
    {
        Span<byte> token = stackalloc byte[HeaderBytes + Limits.MinerIdChars + SignatureBytes];
        token[0] = Version;
        BinaryPrimitives.WriteInt64BigEndian(token[1..], epoch);
        BinaryPrimitives.WriteInt64BigEndian(token[9..], (time.GetUtcNow() + Lifetime).ToUnixTimeMilliseconds());
        int signed = HeaderBytes + Encoding.ASCII.GetBytes(minerId, token[HeaderBytes..]);
        HMACSHA256.HashData(key, token[..signed], token[signed..]);
        return Base64Url.EncodeToString(token[..(signed + SignatureBytes)]);
    }

    /// <summary>Reads a token that anybody may have sent.</summary>
    public TokenVerdict Read(string? token, out string minerId, out long epoch)
    {
        (minerId, epoch) = ("", 0);
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
        minerId = Encoding.ASCII.GetString(bytes[HeaderBytes..signed]);
        epoch = BinaryPrimitives.ReadInt64BigEndian(bytes[1..]);
        long leftMs = BinaryPrimitives.ReadInt64BigEndian(bytes[9..]) - time.GetUtcNow().ToUnixTimeMilliseconds();
        return leftMs <= 0 ? TokenVerdict.Expired
            : leftMs <= Lifetime.TotalMilliseconds / 2 ? TokenVerdict.Aging
            : TokenVerdict.Genuine;
    }
}

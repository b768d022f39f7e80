using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace PoolHub.Protocol;

/// <summary>What a text that is given as a miner's key looks like.</summary>
public enum MinerKeyForm
{
    /// <summary>A key that a hub made, without a typing error.</summary>
    WellFormed,
    /// <summary>Made by a hub, but some characters were lost or changed since.</summary>
    Typo,
    /// <summary>Not made by a hub; allowed where miners enrol themselves, when <see cref="MinerKey.IsUsable"/>.</summary>
    Foreign,
}

/// <summary>
/// A miner's key: <c>phk_</c>, 256 random bits as 43 base64url characters, and 6 base62 digits of the CRC-32 of what
/// stands before them. The prefix lets scanners find leaked keys, the checksum tells a typing error from a wrong key
/// without asking the hub. See docs/protocol.md, "Keys".
/// </summary>
public static class MinerKey
{
    /// <summary>What every key begins with that a hub made.</summary>
    public const string Prefix = "phk_";

    private const int RandomBytes = 32;
    private const int RandomChars = 43;
    private const int ChecksumChars = 6;
    private const int KeyChars = 4 + RandomChars + ChecksumChars;
    private const int MinForeignChars = 16;
    private const string Base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    private static readonly SearchValues<char> s_base64Url =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

    /// <summary>A new key from the system's random numbers.</summary>
    public static string Create()
    {
        Span<byte> random = stackalloc byte[RandomBytes];
        RandomNumberGenerator.Fill(random);
        string payload = Prefix + Base64Url.EncodeToString(random);
        return payload + Checksum(payload);
    }

    /// <summary>What a text looks like that is given as a key. Whether it is anybody's key, only the hub knows.</summary>
    public static MinerKeyForm Check(string key)
    {
        if (!key.StartsWith(Prefix, StringComparison.Ordinal))
        {
            return MinerKeyForm.Foreign;
        }
        return key.Length == KeyChars
            && !key.AsSpan(Prefix.Length, RandomChars).ContainsAnyExcept(s_base64Url)
            && key.AsSpan(KeyChars - ChecksumChars).SequenceEqual(Checksum(key[..^ChecksumChars]))
            ? MinerKeyForm.WellFormed
            : MinerKeyForm.Typo;
    }

    /// <summary>Whether a hub may accept it at all: well-formed, or foreign and 16 to 128 printable characters.</summary>
    public static bool IsUsable(string key) => Check(key) switch
    {
        MinerKeyForm.WellFormed => true,
        MinerKeyForm.Foreign => key.Length is >= MinForeignChars and <= Limits.ApiKeyChars && Texts.IsPrintable(key),
        _ => false,
    };

    private static string Checksum(string payload)
    {
        uint crc = Crc32(Encoding.UTF8.GetBytes(payload));
        return string.Create(ChecksumChars, crc, static (digits, rest) =>
        {
            for (int i = digits.Length - 1; i >= 0; i--)
            {
                digits[i] = Base62[(int)(rest % 62)];
                rest /= 62;
            }
        });
    }

    /// <summary>The CRC-32 of zip and PNG (reflected, polynomial 0xEDB88320), so that any language has it at hand.</summary>
    private static uint Crc32(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        foreach (byte b in bytes)
        {
            crc ^= b;
            for (int bit = 0; bit < 8; bit++)
            {
                crc = (crc & 1) != 0 ? (crc >> 1) ^ 0xEDB88320 : crc >> 1;
            }
        }
        return ~crc;
    }
}

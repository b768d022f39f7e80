using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json;

namespace PoolHub.Daemon.Storage.Spool;

/// <summary>A line of the spool's file: a checksum, a blank, a JSON array of entries, and its end.</summary>
internal static class SpoolLine
{
    private const int ChecksumChars = 8;

    public static byte[] Format(SpoolEntry[] entries)
    {
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(entries, StoreJson.Readable.SpoolEntryArray);
        return [.. Encoding.ASCII.GetBytes(Checksum(json)), (byte)' ', .. json, (byte)'\n'];
    }

    /// <summary>Null when the line is not whole.</summary>
    public static SpoolEntry[]? Parse(ReadOnlySpan<byte> line)
    {
        if (line.Length < ChecksumChars + 2)
        {
            return null;
        }
        ReadOnlySpan<byte> json = line[(ChecksumChars + 1)..^1];
        return line[..ChecksumChars].SequenceEqual(Encoding.ASCII.GetBytes(Checksum(json)))
            ? JsonSerializer.Deserialize(json, StoreJson.Readable.SpoolEntryArray)
            : null;
    }

    /// <summary>The lines of a file, but for a last one that is not whole.</summary>
    /// <exception cref="StoreRefusedException">A line before the last is not.</exception>
    public static IEnumerable<(int Begin, int End, SpoolEntry[] Entries)> ParseAll(byte[] all, string path)
    {
        int begin = 0;
        for (int number = 1; begin < all.Length; number++)
        {
            int end = Array.IndexOf(all, (byte)'\n', begin) + 1;
            if ((end == 0 ? null : Parse(all.AsSpan(begin..end))) is not { } entries)
            {
                if (end > 0 && end < all.Length)
                {
                    throw new StoreRefusedException(
                        $"{path} is damaged in line {number}: what it holds was reported while the database was away, and is not in the "
                        + "database yet. Restore the file, or take the line out and keep it, and start again.");
                }
                yield break;
            }
            yield return (begin, end, entries);
            begin = end;
        }
    }

    private static string Checksum(ReadOnlySpan<byte> json)
    {
        uint crc = uint.MaxValue;
        foreach (byte b in json)
        {
            crc = BitOperations.Crc32C(crc, b);
        }
        return (~crc).ToString("x8", CultureInfo.InvariantCulture);
    }
}

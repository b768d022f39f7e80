using System.Buffers.Binary;
using System.Text;

namespace PoolHub.Daemon.Matching;

/// <summary>
/// Texts that were read lately. Requests name the same few tasks, tags and capabilities again and again; so they need not
/// be made anew, and the decisions that are kept share them.
/// </summary>
internal static class RecentTexts
{
    private const int PlacesLog2 = 10;

    /// <summary>A text has one place and is put out by the next that has the same.</summary>
    private static readonly string?[] s_places = new string?[1 << PlacesLog2];

    public static string Get(ReadOnlySpan<byte> ascii)
    {
        ref string? place = ref s_places[PlaceOf(ascii)];
        if (Volatile.Read(ref place) is { } known && Ascii.Equals(ascii, known))
        {
            return known;
        }
        string text = Encoding.ASCII.GetString(ascii);
        Volatile.Write(ref place, text);
        return text;
    }

    /// <summary>Names differ at their ends.</summary>
    private static int PlaceOf(ReadOnlySpan<byte> ascii)
    {
        const int Word = sizeof(ulong);
        Span<byte> ends = stackalloc byte[2 * Word];
        ends.Clear();
        ascii[..Math.Min(Word, ascii.Length)].CopyTo(ends);
        ascii[Math.Max(0, ascii.Length - Word)..].CopyTo(ends[Word..]);
        ulong head = BinaryPrimitives.ReadUInt64LittleEndian(ends);
        ulong tail = BinaryPrimitives.ReadUInt64LittleEndian(ends[Word..]);
        ulong hash = ((head * 0x9E37_79B9_7F4A_7C15) ^ tail ^ (uint)ascii.Length) * 0xFF51_AFD7_ED55_8CCD;
        return (int)(hash >> (64 - PlacesLog2));
    }
}

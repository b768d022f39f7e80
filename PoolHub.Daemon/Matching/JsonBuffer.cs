using System.Buffers;
using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Encodings.Web;
using PoolHub.Protocol;

namespace PoolHub.Daemon.Matching;

/// <summary>
/// JSON on its way out: names and punctuation come as ready-made UTF-8, values are formatted in place. The answer to a
/// match is written so, since the serializer would take about as long as the search. Numbers and texts come out as the
/// serializer writes them.
/// </summary>
internal sealed class JsonBuffer
{
    private const int FirstBytes = 4_096;

    /// <summary>A larger one is not used again.</summary>
    private const int MaxSpareBytes = 65_536;

    /// <summary>The longest is a double, with 24.</summary>
    private const int MaxNumberBytes = 32;

    private const int RecentLog2 = 6;

    /// <summary>The golden ratio: numbers that are close to each other get places that are not.</summary>
    private const long Spread = unchecked((long)0x9E37_79B9_7F4A_7C15);

    /// <summary>What a text carries as it is. The encoder knows what becomes of all else.</summary>
    private static readonly SearchValues<char> s_plain = SearchValues.Create(
        [.. Enumerable.Range(' ', '~' - ' ' + 1).Select(c => (char)c).Where(c => c is not ('"' or '\\'))]);

    [ThreadStatic]
    private static JsonBuffer? t_spare;

    private readonly RecentNumber[] _recent = new RecentNumber[1 << RecentLog2];
    private byte[] _bytes = new byte[FirstBytes];
    private int _length;

    /// <summary>An empty one, which belongs to the caller until <see cref="Return"/>.</summary>
    public static JsonBuffer Rent()
    {
        JsonBuffer buffer = t_spare ?? new JsonBuffer();
        t_spare = null;
        buffer.Clear();
        return buffer;
    }

    public void Return() => t_spare = _bytes.Length <= MaxSpareBytes ? this : null;

    public void Clear() => _length = 0;

    public ReadOnlyMemory<byte> Written => _bytes.AsMemory(0, _length);

    /// <summary>What was written, as text.</summary>
    public override string ToString() => Encoding.UTF8.GetString(Written.Span);

    public void Raw(ReadOnlySpan<byte> utf8)
    {
        utf8.CopyTo(Room(utf8.Length));
        _length += utf8.Length;
    }

    /// <summary>A text, quoted and escaped as in all answers.</summary>
    public void Text(string text)
    {
        int maxBytes = text.Length;
        if (text.AsSpan().ContainsAnyExcept(s_plain))
        {
            text = JavaScriptEncoder.UnsafeRelaxedJsonEscaping.Encode(text);
            maxBytes = Encoding.UTF8.GetMaxByteCount(text.Length);
        }
        Span<byte> room = Room(maxBytes + 2);
        room[0] = (byte)'"';
        int bytes = Encoding.UTF8.GetBytes(text, room[1..]);
        room[bytes + 1] = (byte)'"';
        _length += bytes + 2;
    }

    public void Number(int value)
    {
        _ = Utf8Formatter.TryFormat(value, Room(MaxNumberBytes), out int bytes);
        _length += bytes;
    }

    /// <summary>The shortest text that reads as this number. Scores come again while the same miners are best.</summary>
    public void Number(double value)
    {
        long bits = BitConverter.DoubleToInt64Bits(value);
        ref RecentNumber recent = ref _recent[(int)((ulong)(bits * Spread) >> (64 - RecentLog2))];
        if (recent.Length == 0 || recent.Bits != bits)
        {
            _ = value.TryFormat(recent.Text, out recent.Length, default, CultureInfo.InvariantCulture);
            recent.Bits = bits;
        }
        Raw(recent.Text[..recent.Length]);
    }

    /// <summary>A price as a decimal number of tokens, without zeros at its end.</summary>
    public void Number(TokenPrice price)
    {
        (long tokens, long parts) = Math.DivRem(price.E8, TokenPrice.Unit);
        Span<byte> room = Room(MaxNumberBytes);
        _ = tokens.TryFormat(room, out int bytes, default, CultureInfo.InvariantCulture);
        if (parts > 0)
        {
            room[bytes++] = (byte)'.';
            _ = parts.TryFormat(room[bytes..], out _, "D8", CultureInfo.InvariantCulture);
            bytes += room.Slice(bytes, TokenPrice.Decimals).LastIndexOfAnyExcept((byte)'0') + 1;
        }
        _length += bytes;
    }

    /// <summary>32 hexadecimal digits, quoted.</summary>
    public void Id(Guid id)
    {
        Span<byte> room = Room(MaxNumberBytes + 2);
        room[0] = (byte)'"';
        _ = id.TryFormat(room[1..], out int bytes, "N");
        room[bytes + 1] = (byte)'"';
        _length += bytes + 2;
    }

    /// <summary>A number from 0 to 1 for people, with two decimals.</summary>
    public void Hundredths(double norm)
    {
        // 0.145 × 100 falls short of 14.5 by a rounding error.
        const double Half = 0.5 + 1e-9;
        int hundredths = (int)((norm * 100) + Half);
        Raw([(byte)('0' + (hundredths / 100)), (byte)'.', (byte)('0' + (hundredths / 10 % 10)), (byte)('0' + (hundredths % 10))]);
    }

    private Span<byte> Room(int bytes)
    {
        if (_bytes.Length - _length < bytes)
        {
            Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, _length + bytes));
        }
        return _bytes.AsSpan(_length);
    }

    /// <summary>A number that was written, and its text.</summary>
    private struct RecentNumber
    {
        public long Bits;
        public int Length;
        private TextBytes _text;

        [UnscopedRef]
        public Span<byte> Text => _text;

        [InlineArray(MaxNumberBytes)]
        private struct TextBytes
        {
            private byte _first;
        }
    }
}

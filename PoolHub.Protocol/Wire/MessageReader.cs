using System.Text;
using System.Text.Unicode;
using MessagePack;

namespace PoolHub.Protocol.Wire;

/// <summary>
/// Reads the elements of one message's array without ever throwing: the first fault is kept with the field's name, and
/// what is read after it is a default. Elements that a newer sender put at the end are never looked at.
/// </summary>
public ref struct MessageReader
{
    private readonly ReadOnlySpan<byte> _body;
    private int _at;
    private int _left;

    private MessageReader(ReadOnlySpan<byte> body)
    {
        _body = body;
    }

    /// <summary>The field of the first fault, or null when there was none.</summary>
    public string? Field { get; private set; }

    /// <summary>What was wrong with <see cref="Field"/>, or null when nothing was.</summary>
    public string? Problem { get; private set; }

    /// <summary>Whether a field was at fault: what was read is then not to be used.</summary>
    public readonly bool Failed => Problem is not null;

    /// <summary>
    /// Opens a body: its array header and its message number. False when the bytes are no such array, or when the
    /// array's elements do not fill the body exactly.
    /// </summary>
    public static bool TryOpen(ReadOnlySpan<byte> body, out int number, out MessageReader reader)
    {
        reader = new MessageReader(body);
        number = 0;
        if (!MessagePackValue.Skip(body, 0, depth: 0, out int end) || end != body.Length
            || MessagePackPrimitives.TryReadArrayHeader(body, out uint count, out int size) != MessagePackPrimitives.DecodeResult.Success
            || count == 0
            || !MessagePackValue.TryReadInteger(body[size..], out long value, out int numberSize, out bool tooLarge)
            || tooLarge || value is < int.MinValue or > int.MaxValue)
        {
            return false;
        }
        number = (int)value;
        reader._at = size + numberSize;
        reader._left = (int)count - 1;
        return true;
    }

    /// <summary>The message's number; 0 when the body is none.</summary>
    internal static int NumberOf(ReadOnlySpan<byte> body) => TryOpen(body, out int number, out _) ? number : 0;

    /// <summary>Reads a body that was opened before as the message that it is; false when a field is at fault.</summary>
    internal static bool TryRead<T>(ReadOnlySpan<byte> body, out T message)
        where T : struct, IMessage<T>
    {
        _ = TryOpen(body, out _, out MessageReader reader);
        message = T.Read(ref reader);
        return !reader.Failed;
    }

    /// <summary>Notes a fault of a field that was read but does not make sense; the first fault wins.</summary>
    public void Fail(string field, string problem)
    {
        if (Problem is null)
        {
            Field = field;
            Problem = problem;
        }
    }

    /// <summary>A whole number from <paramref name="min"/> to <paramref name="max"/>.</summary>
    public long Integer(string field, long min, long max)
    {
        if (!Next(field))
        {
            return 0;
        }
        if (!MessagePackValue.TryReadInteger(_body[_at..], out long value, out int size, out bool tooLarge))
        {
            return Mistyped(field, "a whole number", 0L);
        }
        _at += size;
        if (tooLarge || value < min || value > max)
        {
            Fail(field, $"must be from {min} to {max}");
            return 0;
        }
        return value;
    }

    /// <summary>An integer within these bounds; 0 when it is none, which is noted.</summary>
    public int Int32(string field, int min, int max) => (int)Integer(field, min, max);

    /// <summary>A finite number from <paramref name="min"/> to <paramref name="max"/>; whole numbers are accepted.</summary>
    public double Number(string field, double min, double max)
    {
        if (!Next(field))
        {
            return 0;
        }
        ReadOnlySpan<byte> rest = _body[_at..];
        int size;
        double value;
        if (MessagePackValue.TryReadInteger(rest, out long whole, out size, out bool tooLarge))
        {
            value = tooLarge ? double.PositiveInfinity : whole;
        }
        else if (MessagePackPrimitives.TryReadDouble(rest, out value, out size) != MessagePackPrimitives.DecodeResult.Success)
        {
            return Mistyped(field, "a number", 0.0);
        }
        _at += size;
        // Written so that NaN fails too.
        if (!(value >= min && value <= max))
        {
            Fail(field, $"must be a finite number from {min} to {max}");
            return 0;
        }
        return value;
    }

    /// <summary>True or false; false when it is neither, which is noted.</summary>
    public bool Bool(string field)
    {
        if (!Next(field))
        {
            return false;
        }
        if (MessagePackPrimitives.TryReadBool(_body[_at..], out bool value, out int size) != MessagePackPrimitives.DecodeResult.Success)
        {
            return Mistyped(field, "true or false", false);
        }
        _at += size;
        return value;
    }

    /// <summary>UTF-8 text of at most <paramref name="maxChars"/> characters without control characters.</summary>
    public string Text(string field, int maxChars)
    {
        if (!Next(field))
        {
            return "";
        }
        ReadOnlySpan<byte> rest = _body[_at..];
        if (MessagePackPrimitives.TryReadStringHeader(rest, out uint bytes, out int size) != MessagePackPrimitives.DecodeResult.Success)
        {
            return Mistyped(field, "text", "");
        }
        ReadOnlySpan<byte> utf8 = rest.Slice(size, (int)bytes);
        _at += size + utf8.Length;
        if (utf8.Length > maxChars * 3 || !Utf8.IsValid(utf8) || Encoding.UTF8.GetCharCount(utf8) > maxChars)
        {
            Fail(field, $"must be UTF-8 text of at most {maxChars} characters");
            return "";
        }
        string text = Encoding.UTF8.GetString(utf8);
        if (!Texts.IsPrintable(text))
        {
            Fail(field, "must not contain control characters");
            return "";
        }
        return text;
    }

    /// <summary>A list of texts, each of at most <paramref name="maxChars"/> characters.</summary>
    public string[] TextList(string field, int maxCount, int maxChars)
    {
        if (!Next(field))
        {
            return [];
        }
        if (MessagePackPrimitives.TryReadArrayHeader(_body[_at..], out uint count, out int size) != MessagePackPrimitives.DecodeResult.Success)
        {
            return Mistyped<string[]>(field, "a list of texts", []);
        }
        if (count > (uint)maxCount)
        {
            Fail(field, $"must have at most {maxCount} entries");
            return [];
        }
        _at += size;
        int outer = _left;
        _left = (int)count;
        string[] texts = count == 0 ? [] : new string[count];
        for (int i = 0; i < texts.Length && !Failed; i++)
        {
            texts[i] = Text(field, maxChars);
        }
        _left = outer;
        return texts;
    }

    /// <summary>Enters a nested array and returns the number of its elements; leave it with <see cref="EndArray"/>.</summary>
    public int BeginArray(string field, out int outer)
    {
        outer = _left;
        if (!Next(field))
        {
            return 0;
        }
        outer = _left;
        if (MessagePackPrimitives.TryReadArrayHeader(_body[_at..], out uint count, out int size) != MessagePackPrimitives.DecodeResult.Success)
        {
            return Mistyped(field, "an array", 0);
        }
        _at += size;
        _left = (int)count;
        return _left;
    }

    /// <summary>Skips what is left of a nested array and returns to the outer one.</summary>
    public void EndArray(int outer)
    {
        for (; _left > 0 && !Failed; _left--)
        {
            _ = MessagePackValue.Skip(_body, _at, depth: 1, out _at);
        }
        _left = outer;
    }

    /// <summary>
    /// True and past it when the next element is nil, or when an older sender's array ended before it.
    /// </summary>
    public bool Absent()
    {
        if (Failed || _left == 0)
        {
            return true;
        }
        if (_body[_at] != MessagePackCode.Nil)
        {
            return false;
        }
        _at++;
        _left--;
        return true;
    }

    private bool Next(string field)
    {
        if (Failed)
        {
            return false;
        }
        if (_left == 0)
        {
            Fail(field, "is missing");
            return false;
        }
        _left--;
        return true;
    }

    private T Mistyped<T>(string field, string wanted, T fallback)
    {
        Fail(field, $"must be {wanted}");
        return fallback;
    }
}

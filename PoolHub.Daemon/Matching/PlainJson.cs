using System.Buffers;
using System.Text;
using PoolHub.Protocol;

namespace PoolHub.Daemon.Matching;

/// <summary>
/// Walks through JSON of the plainest kind: texts of printable ASCII without escapes, numbers of up to 15 digits without
/// sign or exponent, neither booleans nor nulls. At anything else it fails for good: from then on there is nothing more.
/// </summary>
internal ref struct PlainJson(ReadOnlySpan<byte> utf8)
{
    /// <summary>A double holds every whole number of so many digits.</summary>
    private const int MaxDigits = 15;

    private static readonly SearchValues<byte> s_plain = SearchValues.Create(
        [.. Enumerable.Range(' ', '~' - ' ' + 1).Select(c => (byte)c).Where(c => c is not ((byte)'"' or (byte)'\\'))]);

    private const int FirstTerms = 64;

    /// <summary>Where a list is gathered.</summary>
    [ThreadStatic]
    private static string[]? t_terms;

    private static readonly long[] s_powersOf10 = [.. Enumerable.Range(0, MaxDigits + 1).Select(i => (long)Math.Pow(10, i))];

    private readonly ReadOnlySpan<byte> _utf8 = utf8;
    private int _at;
    private bool _isFirst;

    public bool HasFailed { get; private set; }

    public void Fail() => HasFailed = true;

    /// <summary>Goes into an object.</summary>
    public void BeginObject()
    {
        Take((byte)'{');
        _isFirst = true;
    }

    /// <summary>Goes to the next field's value; false after the last, when the object is over.</summary>
    public bool TryField(out ReadOnlySpan<byte> name)
    {
        name = default;
        if (!TryNext((byte)'}'))
        {
            return false;
        }
        name = TextUtf8();
        Take((byte)':');
        return !HasFailed;
    }

    /// <summary>Goes into an array.</summary>
    public void BeginArray()
    {
        Take((byte)'[');
        _isFirst = true;
    }

    /// <summary>Goes to the next item; false after the last, when the array is over.</summary>
    public bool TryItem() => TryNext((byte)']');

    /// <summary>Nothing but space is left.</summary>
    public bool TryEnd() => Peek() == 0 && _at == _utf8.Length && !HasFailed;

    public string Text() => Encoding.ASCII.GetString(TextUtf8());

    /// <summary>A text of a kind of which there are few.</summary>
    public string Term() => RecentTexts.Get(TextUtf8());

    public string[] Terms()
    {
        BeginArray();
        string[] terms = t_terms ??= new string[FirstTerms];
        int count = 0;
        while (TryItem())
        {
            if (count == terms.Length)
            {
                Array.Resize(ref terms, 2 * count);
            }
            terms[count++] = Term();
        }
        return terms.AsSpan(0, count).ToArray();
    }

    public int Whole()
    {
        long digits = Number(out int decimals);
        if (decimals > 0 || digits > int.MaxValue)
        {
            Fail();
        }
        return (int)digits;
    }

    /// <summary>Both operands are exact, so their quotient is the double nearest to the number.</summary>
    public double Number() => Number(out int decimals) / (double)s_powersOf10[decimals];

    public TokenPrice Price()
    {
        long digits = Number(out int decimals);
        if (decimals > TokenPrice.Decimals)
        {
            Fail();
            return default;
        }
        UInt128 e8 = (UInt128)digits * (ulong)s_powersOf10[TokenPrice.Decimals - decimals];
        if (e8 > (ulong)TokenPrice.Max.E8)
        {
            Fail();
        }
        return new TokenPrice((long)e8);
    }

    /// <summary>The digits without the point, and how many of them stand behind it.</summary>
    private long Number(out int decimals)
    {
        long digits = 0;
        decimals = 0;
        int point = -1;
        _ = Peek();
        int begin = _at;
        for (; _at < _utf8.Length; _at++)
        {
            byte c = _utf8[_at];
            if (c is >= (byte)'0' and <= (byte)'9')
            {
                digits = unchecked((digits * 10) + (c - '0'));
            }
            else if (c == '.' && point < 0)
            {
                point = _at;
            }
            else
            {
                break;
            }
        }
        int whole = (point < 0 ? _at : point) - begin;
        decimals = point < 0 ? 0 : _at - point - 1;
        // "07", ".5", "5." and "5e3" are for others to judge.
        bool isPlain = whole > 0 && (whole == 1 || _utf8[begin] != '0') && (point < 0 || decimals > 0) && whole + decimals <= MaxDigits;
        if (!isPlain || Peek() is not ((byte)',' or (byte)'}'))
        {
            Fail();
            return decimals = 0;
        }
        return digits;
    }

    private ReadOnlySpan<byte> TextUtf8()
    {
        Take((byte)'"');
        ReadOnlySpan<byte> rest = _utf8[_at..];
        int length = rest.IndexOfAnyExcept(s_plain);
        if (HasFailed || length < 0 || rest[length] != '"')
        {
            Fail();
            return default;
        }
        _at += length + 1;
        return rest[..length];
    }

    /// <summary>Goes over the comma to the next field or item; false after the last.</summary>
    private bool TryNext(byte end)
    {
        if (HasFailed)
        {
            return false;
        }
        bool isFirst = _isFirst;
        _isFirst = false;
        if (Peek() == end)
        {
            _at++;
            return false;
        }
        if (!isFirst)
        {
            Take((byte)',');
        }
        return !HasFailed;
    }

    private void Take(byte expected)
    {
        if (Peek() == expected)
        {
            _at++;
        }
        else
        {
            Fail();
        }
    }

    /// <summary>What comes after the space; 0 at the end.</summary>
    private byte Peek()
    {
        // Most bodies have no space between their parts.
        if (_at < _utf8.Length && _utf8[_at] > (byte)' ')
        {
            return _utf8[_at];
        }
        while (_at < _utf8.Length && _utf8[_at] is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t')
        {
            _at++;
        }
        return _at < _utf8.Length ? _utf8[_at] : (byte)0;
    }
}

namespace PoolHub.Tests.Attack;

/// <summary>An input that is as it should be, and where its values begin, so that a whole one can be taken out or doubled.</summary>
/// <param name="Cuts">Ascending; the first is not negative, the last at most the length.</param>
internal sealed record Specimen(byte[] Bytes, int[] Cuts);

/// <summary>Spoils inputs: bits, lengths, order, types. Allocates nothing.</summary>
/// <param name="tokens">Pieces that mean something to the reader under attack.</param>
internal sealed class Mutator(ulong seed, Specimen[] corpus, byte[][] tokens)
{
    public const int MaxBytes = 8_192;

    private readonly Dice _dice = new(seed);
    private readonly byte[] _buffer = new byte[MaxBytes];
    private readonly byte[] _copy = new byte[MaxBytes];
    private Specimen _specimen = corpus[0];
    private int _length;

    /// <summary>The next input; valid until the next call. Some are not spoilt at all.</summary>
    public ReadOnlyMemory<byte> Next()
    {
        _specimen = _dice.Of<Specimen>(corpus);
        _length = Math.Min(_specimen.Bytes.Length, MaxBytes);
        _specimen.Bytes.AsSpan(0, _length).CopyTo(_buffer);
        for (int left = _dice.Below(5); left > 0; left--)
        {
            MutateOnce();
        }
        return _buffer.AsMemory(0, _length);
    }

    private void MutateOnce()
    {
        switch (_dice.Below(9))
        {
            case 0 when _length > 0:
                _buffer[_dice.Below(_length)] ^= (byte)(1 << _dice.Below(8));
                break;
            case 1 when _length > 0:
                _buffer[_dice.Below(_length)] = (byte)_dice.Below(256);
                break;
            case 2:
                _length = _dice.Below(_length + 1);
                break;
            case 3:
                // A value stands there another time.
                (int begin, int end) = Value();
                Replace(end, end, _buffer.AsSpan(begin, end - begin));
                break;
            case 4:
                (begin, end) = Value();
                Replace(begin, end, []);
                break;
            case 5:
                // The end of another input.
                Specimen other = _dice.Of<Specimen>(corpus);
                int from = other.Cuts[_dice.Below(other.Cuts.Length)];
                Replace(Cut(), _length, other.Bytes.AsSpan(from));
                break;
            case 6:
                Replace(Cut(), null, _dice.Of<byte[]>(tokens));
                break;
            default:
                // What fuzzers find most with: one value becomes another that is just as well formed.
                (begin, end) = Value();
                Replace(begin, end, _dice.Of<byte[]>(tokens));
                break;
        }
    }

    private int Cut() => Math.Min(_specimen.Cuts[_dice.Below(_specimen.Cuts.Length)], _length);

    private (int Begin, int End) Value()
    {
        int i = _dice.Below(_specimen.Cuts.Length);
        int begin = Math.Min(_specimen.Cuts[i], _length);
        return (begin, i + 1 < _specimen.Cuts.Length ? Math.Min(_specimen.Cuts[i + 1], _length) : _length);
    }

    /// <summary>Puts bytes in place of a part; with no end, in place of as many as they are.</summary>
    private void Replace(int begin, int? end, ReadOnlySpan<byte> bytes)
    {
        int after = Math.Min(end ?? begin + bytes.Length, _length);
        int tail = _length - after;
        bytes = bytes[..Math.Min(bytes.Length, MaxBytes - begin)];
        tail = Math.Min(tail, MaxBytes - begin - bytes.Length);
        _buffer.AsSpan(after, tail).CopyTo(_copy);
        bytes.CopyTo(_buffer.AsSpan(begin));
        _copy.AsSpan(0, tail).CopyTo(_buffer.AsSpan(begin + bytes.Length));
        _length = begin + bytes.Length + tail;
    }
}

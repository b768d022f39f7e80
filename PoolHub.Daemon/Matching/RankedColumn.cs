using System.Numerics;
using System.Runtime.CompilerServices;

namespace PoolHub.Daemon.Matching;

/// <summary>
/// A column of one segment that queries put limits on. Steps cut it into up to 4,096 ranks; of each digit of a rank, to
/// the base 16, bitsets say who has at least so much in it. A limit is then a handful of bitsets, and only the values
/// that share its rank are looked at.
/// Changed under the index's lock and the segment's version; a reader that meets a change reads again.
/// </summary>
internal struct RankedColumn<T>
    where T : unmanaged, INumber<T>, IMinMaxValue<T>
{
    /// <summary>How many bitsets it takes.</summary>
    public const int BitsetCount = 3 * DigitBitsets;

    private const int DigitBits = 4;
    private const int MaxDigit = (1 << DigitBits) - 1;
    private const int DigitBitsets = MaxDigit;
    private const int MaxRank = (1 << (3 * DigitBits)) - 1;

    /// <summary>What stands where nobody is: below every real value.</summary>
    private static readonly T s_nobody = -T.One;

    private readonly T[] _column;
    private readonly int _first;
    private readonly Bitsets _bits;
    private bool _oneDigit;

    /// <param name="column">Where the values are.</param>
    /// <param name="first">From which on.</param>
    /// <param name="bits">Where its bitsets are, the low digit's first.</param>
    /// <param name="steps">What its ranks are made by.</param>
    public RankedColumn(T[] column, int first, Bitsets bits, Steps<T> steps)
    {
        (_column, _first, _bits) = (column, first, bits);
        SetSteps(steps);
        Values.Fill(s_nobody);
    }

    public readonly T this[int offset] => _column[_first + offset];

    public Steps<T> Steps { get; private set; } = Steps<T>.None;

    /// <summary>No value is below or above; exact after each renewal.</summary>
    public T Least { get; private set; } = T.MaxValue;
    public T Most { get; private set; } = s_nobody;

    /// <summary>How many values are not steps.</summary>
    public int Beside { get; private set; }

    private readonly Span<T> Values => _column.AsSpan(_first, Segment.Size);

    public void Set(int offset, T value)
    {
        Clear(offset);
        _column[_first + offset] = value;
        Least = T.Min(Least, value);
        Most = T.Max(Most, value);
        Enter(offset, value, 1);
    }

    /// <summary>Puts a value where none is, into the bitset of its digits only; <see cref="CompleteFill"/> follows.</summary>
    public void Fill(int offset, T value, int rank)
    {
        _column[_first + offset] = value;
        Least = T.Min(Least, value);
        Most = T.Max(Most, value);
        Beside += Steps.IsStep(rank, value) ? 0 : 1;
        for (int place = 0; rank > 0; place++, rank >>= DigitBits)
        {
            if ((rank & MaxDigit) > 0)
            {
                Segment.SetBit(_bits[(place * DigitBitsets) + (rank & MaxDigit) - 1], offset, true);
            }
        }
    }

    /// <summary>Whoever has a digit has at least those below it.</summary>
    public readonly void CompleteFill()
    {
        for (int place = 0; place < (_oneDigit ? 1 : 3); place++)
        {
            _bits.From(place * DigitBitsets).AddEachToBefore(DigitBitsets);
        }
    }

    public void Clear(int offset)
    {
        T old = this[offset];
        if (old != s_nobody)
        {
            Enter(offset, old, -1);
            _column[_first + offset] = s_nobody;
        }
    }

    /// <summary>Makes the bounds exact, and the ranks by these steps.</summary>
    public void Renew(Steps<T> steps)
    {
        RenewBounds();
        if (Steps == steps)
        {
            return;
        }
        for (int i = 0; i < BitsetCount; i++)
        {
            _bits[i].Clear();
        }
        SetSteps(steps);
        for (int offset = 0; offset < Segment.Size; offset++)
        {
            if (this[offset] != s_nobody)
            {
                Enter(offset, this[offset], 1);
            }
        }
    }

    public void RenewBounds()
    {
        (Least, Most) = (T.MaxValue, s_nobody);
        foreach (T value in Values)
        {
            if (value != s_nobody)
            {
                Least = T.Min(Least, value);
                Most = T.Max(Most, value);
            }
        }
    }

    /// <summary>Adds every so manieth value to a sample.</summary>
    public readonly void AddTo(List<T> sample, int stride, ref int seen)
    {
        foreach (T value in Values)
        {
            if (value != s_nobody && seen++ % stride == 0)
            {
                sample.Add(value);
            }
        }
    }

    /// <summary>Keeps those that have at least this much.</summary>
    /// <param name="miners">Where they are kept.</param>
    /// <param name="limit">The limit.</param>
    /// <param name="edge">Overwritten.</param>
    public readonly void KeepAtLeast(Survivors miners, ref Limit<T> limit, ulong[] edge)
    {
        if (limit.Value <= Least)
        {
            return;
        }
        if (limit.Value > Most)
        {
            miners.KeepNobody();
            return;
        }
        limit.LookUp(Steps);
        // On a step, the whole rank is within the limit; and where all values are steps, below one it is not.
        if (limit.IsStep || Beside == 0)
        {
            KeepReaching(miners.Words, limit.IsStep ? limit.Rank : limit.Rank + 1, inverted: false);
        }
        else if (Bitset.Cut(miners.Words, edge, Bounds(limit.Rank), up: true))
        {
            AddBack(miners.Words, edge, limit.Value, up: true);
        }
        miners.Recount();
    }

    /// <summary>The same for at most this much.</summary>
    public readonly void KeepAtMost(Survivors miners, ref Limit<T> limit, ulong[] edge)
    {
        if (limit.Value >= Most)
        {
            return;
        }
        if (limit.Value < Least)
        {
            miners.KeepNobody();
            return;
        }
        limit.LookUp(Steps);
        if (Beside == 0)
        {
            KeepReaching(miners.Words, limit.Rank + 1, inverted: true);
        }
        else if (Bitset.Cut(miners.Words, edge, Bounds(limit.Rank), up: false))
        {
            AddBack(miners.Words, edge, limit.Value, up: false);
        }
        miners.Recount();
    }

    /// <summary>Drops none that has at most this much, and most of the others.</summary>
    public readonly void KeepAtMostRoughly(ulong[] miners, T limit)
    {
        if (limit < Most)
        {
            KeepReaching(miners, Steps.Rank(limit) + 1, inverted: true);
        }
    }

    /// <summary>Keeps who has at least this rank, or else who has not.</summary>
    private readonly void KeepReaching(ulong[] miners, int rank, bool inverted)
    {
        if (rank > MaxRank)
        {
            Bitset.KeepReaching(miners, Bounds(MaxRank), Bitset.None, inverted);
        }
        else if (!_oneDigit)
        {
            DigitBounds bounds = Bounds(rank);
            Bitset.KeepReaching(miners, bounds, bounds.LowAt, inverted);
        }
        else if (inverted)
        {
            Bitset.Drop(miners, WithAtLeast(0, rank));
        }
        else
        {
            Bitset.Keep(miners, WithAtLeast(0, rank));
        }
    }

    private readonly DigitBounds Bounds(int rank)
    {
        int high = rank >> (2 * DigitBits);
        int middle = (rank >> DigitBits) & MaxDigit;
        int low = rank & MaxDigit;
        return new DigitBounds
        {
            HighOver = WithAtLeast(2, high + 1),
            HighAt = WithAtLeast(2, high),
            MiddleOver = WithAtLeast(1, middle + 1),
            MiddleAt = WithAtLeast(1, middle),
            LowOver = WithAtLeast(0, low + 1),
            LowAt = WithAtLeast(0, low),
        };
    }

    /// <summary>Adds those of the candidates whose value is within the limit.</summary>
    private readonly void AddBack(ulong[] miners, ulong[] candidates, T limit, bool up)
    {
        for (int word = 0; word < candidates.Length; word++)
        {
            for (ulong rest = candidates[word]; rest != 0; rest &= rest - 1)
            {
                T value = this[(word * 64) + BitOperations.TrailingZeroCount(rest)];
                // No branch: it would be guessed wrong half of the time, and the next value not be loaded meanwhile.
                bool within = up ? value >= limit : value <= limit;
                miners[word] |= rest & (0 - rest) & (0UL - Unsafe.BitCast<bool, byte>(within));
            }
        }
    }

    private readonly ReadOnlySpan<ulong> WithAtLeast(int place, int digit) => digit switch
    {
        0 => Bitset.All,
        > MaxDigit => Bitset.None,
        _ => _bits[(place * DigitBitsets) + digit - 1],
    };

    private void SetSteps(Steps<T> steps)
    {
        (Steps, Beside) = (steps, 0);
        // Ranks go from 0 to the number of steps, and bounds one further.
        _oneDigit = steps.Count < MaxDigit;
    }

    /// <summary>Enters a value's rank, or takes it back.</summary>
    private void Enter(int offset, T value, int change)
    {
        int rank = Steps.Rank(value);
        Beside += Steps.IsStep(rank, value) ? 0 : change;
        for (int place = 0; rank > 0; place++)
        {
            for (int i = 0; i < (rank & MaxDigit); i++)
            {
                Segment.SetBit(_bits[(place * DigitBitsets) + i], offset, change > 0);
            }
            rank >>= DigitBits;
        }
    }
}

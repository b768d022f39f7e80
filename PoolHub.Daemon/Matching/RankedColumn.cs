using System.Numerics;

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

    /// <summary>What stands where nobody is: below every real value.</summary>
    private static readonly T s_nobody = -T.One;

    private readonly T[] _column;
    private readonly int _first;
    private readonly Bitsets _bits;
    private int _digits;

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

    /// <summary>Keeps those that have at least this much. False when all do, and nothing changed.</summary>
    public readonly bool KeepAtLeast(ulong[] miners, ref Limit<T> limit, Scratch scratch)
    {
        if (limit.Value <= Least)
        {
            return false;
        }
        limit.LookUp(Steps);
        // On a step, the whole rank is within the limit; and where all values are steps, below one it is not.
        bool mixed = !limit.IsStep && Beside > 0 && FindRank(miners, limit.Rank, scratch.Edge);
        Bitset.Keep(miners, Reaching(limit.IsStep ? limit.Rank : limit.Rank + 1, scratch.Work));
        if (mixed)
        {
            AddBack(miners, scratch.Edge, limit.Value, up: true);
        }
        return true;
    }

    /// <summary>The same for at most this much.</summary>
    public readonly bool KeepAtMost(ulong[] miners, ref Limit<T> limit, Scratch scratch)
    {
        if (limit.Value >= Most)
        {
            return false;
        }
        limit.LookUp(Steps);
        bool mixed = Beside > 0 && FindRank(miners, limit.Rank, scratch.Edge);
        Bitset.Drop(miners, Reaching(mixed ? limit.Rank : limit.Rank + 1, scratch.Work));
        if (mixed)
        {
            AddBack(miners, scratch.Edge, limit.Value, up: false);
        }
        return true;
    }

    /// <summary>Drops none that has at most this much, and most of the others.</summary>
    public readonly void KeepAtMostRoughly(ulong[] miners, T limit, Scratch scratch)
    {
        if (limit < Most)
        {
            Bitset.Drop(miners, Reaching(Steps.Rank(limit) + 1, scratch.Work));
        }
    }

    /// <summary>Who has at least this rank.</summary>
    private readonly ReadOnlySpan<ulong> Reaching(int rank, ulong[] work)
    {
        if (_digits == 1)
        {
            return WithAtLeast(0, rank);
        }
        // From the low digit up: higher in this one, or equal in it and reaching it in those below.
        WithAtLeast(0, rank & MaxDigit).CopyTo(work);
        for (int i = 1; i < _digits; i++)
        {
            int digit = rank >> (i * DigitBits);
            digit = i == _digits - 1 ? digit : digit & MaxDigit;
            Bitset.OverOrAt(work, WithAtLeast(i, digit + 1), WithAtLeast(i, digit));
        }
        return work;
    }

    /// <summary>Who has this very rank; false when nobody.</summary>
    private readonly bool FindRank(ulong[] miners, int rank, ulong[] result)
    {
        miners.CopyTo(result, 0);
        bool any = false;
        for (int i = 0; i < _digits; i++)
        {
            int digit = (rank >> (i * DigitBits)) & MaxDigit;
            any = Bitset.KeepBetween(result, WithAtLeast(i, digit), WithAtLeast(i, digit + 1));
        }
        return any;
    }

    /// <summary>Adds those of the candidates whose value is within the limit.</summary>
    private readonly void AddBack(ulong[] miners, ulong[] candidates, T limit, bool up)
    {
        for (int word = 0; word < candidates.Length; word++)
        {
            for (ulong rest = candidates[word]; rest != 0; rest &= rest - 1)
            {
                T value = this[(word * 64) + BitOperations.TrailingZeroCount(rest)];
                if (up ? value >= limit : value <= limit)
                {
                    miners[word] |= rest & (0 - rest);
                }
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
        // Ranks go from 0 to the number of steps.
        _digits = steps.Count <= MaxDigit ? 1 : steps.Count < 1 << (2 * DigitBits) ? 2 : 3;
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

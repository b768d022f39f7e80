using System.Numerics;
using System.Runtime.CompilerServices;

namespace PoolHub.Daemon.Matching;

/// <summary>
/// Up to 4,095 values, ascending, that cut a column into ranks of about as many miners each; where there are few distinct
/// values, all of them. Immutable.
/// </summary>
internal sealed class Steps<T>(T[] values)
    where T : unmanaged, INumber<T>
{
    public const int Most = 4_095;

    /// <summary>How many values they are chosen from.</summary>
    private const int SampleSize = 65_536;

    public static readonly Steps<T> None = new([]);

    public int Count => values.Length;
    public bool IsFull => values.Length == Most;

    /// <summary>How many steps are at most the value.</summary>
    public int Rank(T value)
    {
        int from = 0;
        for (int left = values.Length; left > 0;)
        {
            int half = (left + 1) >> 1;
            // No branch: it would be guessed wrong half of the time.
            from += half & -Unsafe.BitCast<bool, byte>(values[from + half - 1] <= value);
            left -= half;
        }
        return from;
    }

    /// <summary>Whether the value is the step that its rank begins with.</summary>
    public bool IsStep(int rank, T value) => rank > 0 && values[rank - 1] == value;

    /// <summary>In which of so many equal parts of the ranks a value lies.</summary>
    public int Part(T value, int parts) => Rank(value) * parts / (values.Length + 1);

    /// <param name="sample">Sorted by this.</param>
    public static Steps<T> Of(List<T> sample)
    {
        sample.Sort();
        int distinct = 0;
        for (int i = 0; i < sample.Count; i++)
        {
            if (i == 0 || sample[i] != sample[distinct - 1])
            {
                sample[distinct++] = sample[i];
            }
        }
        T[] steps = new T[Math.Min(distinct, Most)];
        for (int i = 0; i < steps.Length; i++)
        {
            steps[i] = sample[(int)((long)i * distinct / steps.Length)];
        }
        return new Steps<T>(steps);
    }

    /// <summary>Every how manieth value to take for a sample.</summary>
    public static int Stride(int count) => Math.Max(1, count / SampleSize);
}

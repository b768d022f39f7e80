using System.Runtime.Intrinsics;

namespace PoolHub.Daemon.Matching;

/// <summary>
/// Compares 64 neighbours of a column at once; bit i of the result speaks for the i-th. Where the machine has no
/// 256-bit vectors the runtime makes two of 128 of each.
/// </summary>
internal static class Columns
{
    private const int Block = 64;

    public static ulong AtLeast(float[] column, int start, float limit)
    {
        ReadOnlySpan<float> block = column.AsSpan(start, Block);
        ref readonly float first = ref block[0];
        Vector256<float> limits = Vector256.Create(limit);
        ulong mask = 0;
        for (int i = 0; i < Block; i += Vector256<float>.Count)
        {
            Vector256<float> values = Vector256.LoadUnsafe(in first, (nuint)i);
            mask |= (ulong)Vector256.GreaterThanOrEqual(values, limits).ExtractMostSignificantBits() << i;
        }
        return mask;
    }

    public static ulong AtMost(long[] column, int start, long limit)
    {
        ReadOnlySpan<long> block = column.AsSpan(start, Block);
        ref readonly long first = ref block[0];
        Vector256<long> limits = Vector256.Create(limit);
        ulong mask = 0;
        for (int i = 0; i < Block; i += Vector256<long>.Count)
        {
            Vector256<long> values = Vector256.LoadUnsafe(in first, (nuint)i);
            mask |= (ulong)Vector256.LessThanOrEqual(values, limits).ExtractMostSignificantBits() << i;
        }
        return mask;
    }

    /// <summary>Where the sum of two columns is less than the third.</summary>
    public static ulong SumLessThan(int[] left, int[] more, int[] right, int start)
    {
        ReadOnlySpan<int> leftBlock = left.AsSpan(start, Block);
        ReadOnlySpan<int> moreBlock = more.AsSpan(start, Block);
        ReadOnlySpan<int> rightBlock = right.AsSpan(start, Block);
        ref readonly int leftFirst = ref leftBlock[0];
        ref readonly int moreFirst = ref moreBlock[0];
        ref readonly int rightFirst = ref rightBlock[0];
        ulong mask = 0;
        for (int i = 0; i < Block; i += Vector256<int>.Count)
        {
            Vector256<int> leftValues = Vector256.LoadUnsafe(in leftFirst, (nuint)i) + Vector256.LoadUnsafe(in moreFirst, (nuint)i);
            Vector256<int> rightValues = Vector256.LoadUnsafe(in rightFirst, (nuint)i);
            mask |= (ulong)Vector256.LessThan(leftValues, rightValues).ExtractMostSignificantBits() << i;
        }
        return mask;
    }

    /// <summary>The greatest value of a column whose length is a multiple of the vector's.</summary>
    public static long Max(long[] column)
    {
        ref readonly long first = ref column[0];
        Vector256<long> max = Vector256.LoadUnsafe(in first);
        for (int i = Vector256<long>.Count; i < column.Length; i += Vector256<long>.Count)
        {
            max = Vector256.Max(max, Vector256.LoadUnsafe(in first, (nuint)i));
        }
        long greatest = max[0];
        for (int i = 1; i < Vector256<long>.Count; i++)
        {
            greatest = Math.Max(greatest, max[i]);
        }
        return greatest;
    }
}

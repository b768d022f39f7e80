using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace PoolHub.Benchmarks.Matching;

/// <summary>
/// The measure of the machine: the sum of one 4-byte column, as fast as it can be read. Four accumulators of the widest
/// vector, so that no addition waits for the one before.
/// </summary>
internal static class ColumnSum
{
    public static int[] Column(int length) => [.. Enumerable.Range(0, length)];

    public static int Of(int[] column) => Vector512.IsHardwareAccelerated ? Of512(column) : Of256(column);

    private static int Of512(int[] column)
    {
        const int Step = 4 * 16;
        ref int first = ref MemoryMarshal.GetArrayDataReference(column);
        Vector512<int> a = Vector512<int>.Zero;
        Vector512<int> b = a;
        Vector512<int> c = a;
        Vector512<int> d = a;
        nuint i = 0;
        for (nuint end = (nuint)(column.Length / Step * Step); i < end; i += Step)
        {
            a += Vector512.LoadUnsafe(ref first, i);
            b += Vector512.LoadUnsafe(ref first, i + 16);
            c += Vector512.LoadUnsafe(ref first, i + 32);
            d += Vector512.LoadUnsafe(ref first, i + 48);
        }
        return Vector512.Sum(a + b + c + d) + Rest(column, (int)i);
    }

    private static int Of256(int[] column)
    {
        const int Step = 4 * 8;
        ref int first = ref MemoryMarshal.GetArrayDataReference(column);
        Vector256<int> a = Vector256<int>.Zero;
        Vector256<int> b = a;
        Vector256<int> c = a;
        Vector256<int> d = a;
        nuint i = 0;
        for (nuint end = (nuint)(column.Length / Step * Step); i < end; i += Step)
        {
            a += Vector256.LoadUnsafe(ref first, i);
            b += Vector256.LoadUnsafe(ref first, i + 8);
            c += Vector256.LoadUnsafe(ref first, i + 16);
            d += Vector256.LoadUnsafe(ref first, i + 24);
        }
        return Vector256.Sum(a + b + c + d) + Rest(column, (int)i);
    }

    private static int Rest(int[] column, int from)
    {
        int sum = 0;
        foreach (int value in column.AsSpan(from))
        {
            sum += value;
        }
        return sum;
    }
}

using System.Numerics;
using System.Runtime.InteropServices;

namespace PoolHub.Daemon.Matching;

/// <summary>Arithmetic on bitsets of a segment's size, as many words at once as the machine has room for.</summary>
internal static class Bitset
{
    public static readonly ulong[] All = CreateAll();
    public static readonly ulong[] None = new ulong[Segment.Words];

    /// <summary>Keeps those that are also in the other.</summary>
    public static void Keep(ulong[] target, ReadOnlySpan<ulong> others)
    {
        ref ulong to = ref First(target);
        ref ulong from = ref First(others);
        for (nuint i = 0; i < Segment.Words; i += (nuint)Vector<ulong>.Count)
        {
            (Vector.LoadUnsafe(ref to, i) & Vector.LoadUnsafe(ref from, i)).StoreUnsafe(ref to, i);
        }
    }

    /// <summary>Keeps those that are not in the other.</summary>
    public static void Drop(ulong[] target, ReadOnlySpan<ulong> others)
    {
        ref ulong to = ref First(target);
        ref ulong from = ref First(others);
        for (nuint i = 0; i < Segment.Words; i += (nuint)Vector<ulong>.Count)
        {
            Vector.AndNot(Vector.LoadUnsafe(ref to, i), Vector.LoadUnsafe(ref from, i)).StoreUnsafe(ref to, i);
        }
    }

    /// <summary>Makes of the target: those over, and of those at it the ones that were in the target.</summary>
    public static void OverOrAt(ulong[] target, ReadOnlySpan<ulong> over, ReadOnlySpan<ulong> at)
    {
        ref ulong to = ref First(target);
        ref ulong overs = ref First(over);
        ref ulong ats = ref First(at);
        for (nuint i = 0; i < Segment.Words; i += (nuint)Vector<ulong>.Count)
        {
            (Vector.LoadUnsafe(ref overs, i) | (Vector.LoadUnsafe(ref ats, i) & Vector.LoadUnsafe(ref to, i))).StoreUnsafe(ref to, i);
        }
    }

    /// <summary>Keeps those in the first that are not in the second; false when none is left.</summary>
    public static bool KeepBetween(ulong[] target, ReadOnlySpan<ulong> from, ReadOnlySpan<ulong> below)
    {
        ref ulong to = ref First(target);
        ref ulong froms = ref First(from);
        ref ulong belows = ref First(below);
        Vector<ulong> any = Vector<ulong>.Zero;
        for (nuint i = 0; i < Segment.Words; i += (nuint)Vector<ulong>.Count)
        {
            Vector<ulong> kept = Vector.AndNot(Vector.LoadUnsafe(ref to, i) & Vector.LoadUnsafe(ref froms, i), Vector.LoadUnsafe(ref belows, i));
            kept.StoreUnsafe(ref to, i);
            any |= kept;
        }
        return any != Vector<ulong>.Zero;
    }

    public static void Add(ulong[] target, ReadOnlySpan<ulong> others)
    {
        ref ulong to = ref First(target);
        ref ulong from = ref First(others);
        for (nuint i = 0; i < Segment.Words; i += (nuint)Vector<ulong>.Count)
        {
            (Vector.LoadUnsafe(ref to, i) | Vector.LoadUnsafe(ref from, i)).StoreUnsafe(ref to, i);
        }
    }

    public static int Count(ReadOnlySpan<ulong> set)
    {
        // Four sums, so that none waits for the one before.
        ref ulong words = ref First(set);
        (int a, int b, int c, int d) = (0, 0, 0, 0);
        for (nuint i = 0; i < Segment.Words; i += 4)
        {
            a += BitOperations.PopCount(Word(ref words, i));
            b += BitOperations.PopCount(Word(ref words, i + 1));
            c += BitOperations.PopCount(Word(ref words, i + 2));
            d += BitOperations.PopCount(Word(ref words, i + 3));
        }
        return a + b + c + d;
    }

    private static ref ulong First(ReadOnlySpan<ulong> set)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(set.Length, Segment.Words);
        return ref MemoryMarshal.GetReference(set);
    }

    private static ulong Word(ref ulong first, nuint i) => System.Runtime.CompilerServices.Unsafe.Add(ref first, i);

    private static ulong[] CreateAll()
    {
        ulong[] all = new ulong[Segment.Words];
        Array.Fill(all, ulong.MaxValue);
        return all;
    }
}

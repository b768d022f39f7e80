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

    /// <summary>Overwrites it with those that are in both.</summary>
    public static void Intersect(ulong[] target, ReadOnlySpan<ulong> ones, ReadOnlySpan<ulong> others)
    {
        ref ulong to = ref First(target);
        ref ulong one = ref First(ones);
        ref ulong other = ref First(others);
        for (nuint i = 0; i < Segment.Words; i += (nuint)Vector<ulong>.Count)
        {
            (Vector.LoadUnsafe(ref one, i) & Vector.LoadUnsafe(ref other, i)).StoreUnsafe(ref to, i);
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

    /// <summary>Keeps those whose number reaches a bound, or else those whose number does not.</summary>
    /// <param name="target">Where they are kept.</param>
    /// <param name="digits">Three digits, the high one first: who is over the bound's, who is at it.</param>
    /// <param name="low">Who reaches it in the low digit.</param>
    /// <param name="inverted">Whether the others are kept.</param>
    public static void KeepReaching(ulong[] target, in DigitBounds digits, ReadOnlySpan<ulong> low, bool inverted)
    {
        ref ulong to = ref First(target);
        ref ulong highOver = ref First(digits.HighOver);
        ref ulong highAt = ref First(digits.HighAt);
        ref ulong middleOver = ref First(digits.MiddleOver);
        ref ulong middleAt = ref First(digits.MiddleAt);
        ref ulong lows = ref First(low);
        Vector<ulong> flip = inverted ? Vector<ulong>.AllBitsSet : Vector<ulong>.Zero;
        for (nuint i = 0; i < Segment.Words; i += (nuint)Vector<ulong>.Count)
        {
            Vector<ulong> reaching = Vector.LoadUnsafe(ref middleOver, i) | (Vector.LoadUnsafe(ref middleAt, i) & Vector.LoadUnsafe(ref lows, i));
            reaching = Vector.LoadUnsafe(ref highOver, i) | (Vector.LoadUnsafe(ref highAt, i) & reaching);
            (Vector.LoadUnsafe(ref to, i) & (reaching ^ flip)).StoreUnsafe(ref to, i);
        }
    }

    /// <summary>Keeps those whose number is over a bound, or else under it, and sets those apart who are at it; false when none is.</summary>
    /// <param name="target">Where they are kept.</param>
    /// <param name="edge">Those at it.</param>
    /// <param name="digits">Three digits, the high one first: who is over the bound's, who is at it.</param>
    /// <param name="up">Whether those over it are kept.</param>
    public static bool Cut(ulong[] target, ulong[] edge, in DigitBounds digits, bool up)
    {
        ref ulong to = ref First(target);
        ref ulong atIt = ref First(edge);
        ref ulong highOver = ref First(digits.HighOver);
        ref ulong highAt = ref First(digits.HighAt);
        ref ulong middleOver = ref First(digits.MiddleOver);
        ref ulong middleAt = ref First(digits.MiddleAt);
        ref ulong lowOver = ref First(digits.LowOver);
        ref ulong lowAt = ref First(digits.LowAt);
        Vector<ulong> flip = up ? Vector<ulong>.Zero : Vector<ulong>.AllBitsSet;
        Vector<ulong> any = Vector<ulong>.Zero;
        for (nuint i = 0; i < Segment.Words; i += (nuint)Vector<ulong>.Count)
        {
            Vector<ulong> miners = Vector.LoadUnsafe(ref to, i);
            Vector<ulong> high = Vector.LoadUnsafe(ref highOver, i);
            Vector<ulong> highs = Vector.LoadUnsafe(ref highAt, i);
            Vector<ulong> middle = Vector.LoadUnsafe(ref middleOver, i);
            Vector<ulong> middles = Vector.LoadUnsafe(ref middleAt, i);
            Vector<ulong> over = high | (highs & (middle | (middles & Vector.LoadUnsafe(ref lowOver, i))));
            Vector<ulong> from = high | (highs & (middle | (middles & Vector.LoadUnsafe(ref lowAt, i))));
            Vector<ulong> at = miners & Vector.AndNot(from, over);
            at.StoreUnsafe(ref atIt, i);
            (Vector.AndNot(miners, at) & (over ^ flip)).StoreUnsafe(ref to, i);
            any |= at;
        }
        return any != Vector<ulong>.Zero;
    }

    public static void Add(Span<ulong> target, ReadOnlySpan<ulong> others)
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

namespace PoolHub.Tests.Attack;

/// <summary>SplitMix64: random numbers that a seed repeats everywhere, cheap enough for millions of inputs.</summary>
internal sealed class Dice(ulong seed)
{
    private ulong _state = seed;

    public ulong Next()
    {
        ulong z = _state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    /// <summary>From 0 to one less than <paramref name="end"/>.</summary>
    public int Below(int end) => (int)(((UInt128)Next() * (uint)end) >> 64);

    public T Of<T>(ReadOnlySpan<T> choices) => choices[Below(choices.Length)];
}

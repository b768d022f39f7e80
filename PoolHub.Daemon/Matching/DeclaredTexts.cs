using System.Numerics;
using System.Runtime.InteropServices;

namespace PoolHub.Daemon.Matching;

/// <summary>A term, and who declares it in the segment that is being filled.</summary>
internal sealed class Declared(Term term)
{
    public SlotSet Members;

    public Term Term => term;
    public bool IsIndexed { get; } = term.Table.Indexed;
    public bool IsTask { get; } = MatchQuery.IsTask(term.Text);

    /// <summary>For a region, what it lies within, and its latencies when miners name it.</summary>
    public Declared? Parent { get; init; }
    public RegionLatency? Latency { get; init; }
    public int Uses { get; set; }

    /// <summary>Who declared it last: a profile may name it twice.</summary>
    public int Last { get; set; } = -1;
}

/// <summary>
/// What a thread that fills segments has met of one kind of terms. Nearly every look is for one of a few: those have a
/// place each, by a hash that anybody can guess and that therefore only saves the way to the dictionary.
/// </summary>
internal sealed class DeclaredTexts
{
    private readonly Declared?[] _near = new Declared?[1_024];
    private readonly Dictionary<string, Declared> _all = new(StringComparer.Ordinal);

    public Declared? Find(string text)
    {
        ref Declared? near = ref PlaceOf(text);
        if (near is null || near.Term.Text != text)
        {
            near = _all.GetValueOrDefault(text);
        }
        return near;
    }

    public void Add(Declared declared) => _all.Add(declared.Term.Text, declared);

    private ref Declared? PlaceOf(string text)
    {
        ReadOnlySpan<char> chars = text;
        uint hash = 0;
        foreach (ulong four in MemoryMarshal.Cast<char, ulong>(chars))
        {
            hash = BitOperations.Crc32C(hash, four);
        }
        foreach (char last in chars[(chars.Length & ~3)..])
        {
            hash = BitOperations.Crc32C(hash, last);
        }
        return ref _near[hash & (uint)(_near.Length - 1)];
    }
}

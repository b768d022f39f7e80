using System.Collections.Concurrent;

namespace PoolHub.Daemon.Matching;

/// <summary>
/// The terms of one kind by their text, and the lists of them that were declared lately: machines are set up alike, and
/// many declare the same. Looked up without a lock, changed under the index's.
/// </summary>
internal sealed class TermTable
{
    private readonly ConcurrentDictionary<string, Term> _terms = new(concurrencyLevel: 1, capacity: 31, StringComparer.Ordinal);
    private const int MaxLists = 16_384;

    /// <summary>Each list has one place, by its hash, and gives way to the next one there: no list must be let go of.</summary>
    private string[]?[] _lists = new string[64][];
    private int _displaced;

    private readonly ConcurrentDictionary<string, Term>.AlternateLookup<ReadOnlySpan<char>> _bySpan;

    /// <param name="indexed">False for texts that are shared but that no query asks for.</param>
    public TermTable(bool indexed)
    {
        Indexed = indexed;
        _bySpan = _terms.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    public bool Indexed { get; }

    public Term? Find(string text) => _terms.GetValueOrDefault(text);

    public Term FindOrAdd(ReadOnlySpan<char> text, ref int created)
    {
        if (_bySpan.TryGetValue(text, out Term? term))
        {
            return term;
        }
        string copy = text.ToString();
        term = new Term(copy, this, created);
        _terms[copy] = term;
        created++;
        return term;
    }

    /// <summary>One instance of a list that was declared before; or else a new one.</summary>
    /// <param name="texts">Texts of this table's terms.</param>
    /// <param name="hash">Of the terms in their order.</param>
    public string[] Share(ReadOnlySpan<string> texts, uint hash)
    {
        ref string[]? place = ref _lists[hash % (uint)_lists.Length];
        if (place is not null)
        {
            if (AreSame(place, texts))
            {
                return place;
            }
            if (++_displaced > _lists.Length && _lists.Length < MaxLists)
            {
                (_lists, _displaced) = (new string[2 * _lists.Length][], 0);
                place = ref _lists[hash % (uint)_lists.Length];
            }
        }
        return place = texts.ToArray();
    }

    public void Remove(Term term) => _terms.TryRemove(term.Text, out _);

    private static bool AreSame(string[] list, ReadOnlySpan<string> texts)
    {
        if (list.Length != texts.Length)
        {
            return false;
        }
        for (int i = 0; i < list.Length; i++)
        {
            if (!ReferenceEquals(list[i], texts[i]))
            {
                return false;
            }
        }
        return true;
    }
}

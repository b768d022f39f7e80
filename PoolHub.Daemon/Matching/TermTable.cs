using System.Collections.Concurrent;

namespace PoolHub.Daemon.Matching;

/// <summary>
/// The terms of one kind by their text, and the lists of them that were declared lately: machines are set up alike, and
/// many declare the same. Looked up without a lock, changed under the index's.
/// </summary>
internal sealed class TermTable(bool indexed)
{
    private const int MaxLists = 16_384;

    private readonly ConcurrentDictionary<string, Term> _terms = new(concurrencyLevel: 1, capacity: 31, StringComparer.Ordinal);

    /// <summary>Each list has one place, by its hash, and gives way to the next one there: no list must be let go of.</summary>
    private (uint Hash, string[]? Texts)[] _lists = new (uint, string[]?)[64];
    private int _displaced;

    /// <summary>False for texts that are shared but that no query asks for.</summary>
    public bool Indexed { get; } = indexed;

    public ICollection<Term> All => _terms.Values;

    public Term? Find(string text) => _terms.GetValueOrDefault(text);

    public Term Add(string text, Term? parent, ref int created)
    {
        var term = new Term(text, this, created++, parent);
        _terms[text] = term;
        return term;
    }

    /// <summary>One instance of a list that was declared before; or else a new one.</summary>
    /// <param name="declared">The list as it came; kept when its texts are those of the terms already.</param>
    /// <param name="terms">Its terms.</param>
    public string[] Share(string[] declared, ReadOnlySpan<Term> terms)
    {
        uint hash = 0;
        foreach (Term term in terms)
        {
            hash = (hash + (uint)term.Number) * 0x9E37_79B1;
            hash ^= hash >> 15;
        }
        ref (uint Hash, string[]? Texts) place = ref PlaceOf(hash);
        if (place.Texts is { } known)
        {
            if (place.Hash == hash && AreSame(known, terms))
            {
                return known;
            }
            if (++_displaced > _lists.Length && _lists.Length < MaxLists)
            {
                (_lists, _displaced) = (new (uint, string[]?)[2 * _lists.Length], 0);
                place = ref PlaceOf(hash);
            }
        }
        place = (hash, AreSame(declared, terms) ? declared : Texts(terms));
        return place.Texts!;
    }

    public void Remove(Term term) => _terms.TryRemove(term.Text, out _);

    private static string[] Texts(ReadOnlySpan<Term> terms)
    {
        var texts = new string[terms.Length];
        for (int i = 0; i < texts.Length; i++)
        {
            texts[i] = terms[i].Text;
        }
        return texts;
    }

    private ref (uint Hash, string[]? Texts) PlaceOf(uint hash) => ref _lists[hash & (uint)(_lists.Length - 1)];

    private static bool AreSame(string[] list, ReadOnlySpan<Term> terms)
    {
        if (list.Length != terms.Length)
        {
            return false;
        }
        for (int i = 0; i < list.Length; i++)
        {
            if (!ReferenceEquals(list[i], terms[i].Text))
            {
                return false;
            }
        }
        return true;
    }
}

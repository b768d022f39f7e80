using System.Collections.Concurrent;

namespace PoolHub.Daemon.Matching;

/// <summary>The terms of one kind by their text. Looked up without a lock, changed under the index's.</summary>
internal sealed class TermTable
{
    private readonly ConcurrentDictionary<string, Term> _terms = new(concurrencyLevel: 1, capacity: 31, StringComparer.Ordinal);
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
        term = new Term(copy, this);
        _terms[copy] = term;
        created++;
        return term;
    }

    public void Remove(Term term) => _terms.TryRemove(term.Text, out _);
}

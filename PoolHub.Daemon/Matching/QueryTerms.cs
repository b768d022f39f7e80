namespace PoolHub.Daemon.Matching;

/// <summary>
/// A query's terms as the index knows them; null where no miner has one. They are looked up once, and again only when
/// terms were created since: a miner may have got one of them after the lookup.
/// </summary>
internal sealed class QueryTerms
{
    private readonly Term?[] _region = new Term?[1];
    private readonly Term?[] _task = new Term?[1];
    private Term?[] _accel = [];
    private Term?[] _tags = [];
    private Term?[] _capabilities = [];
    private int _accelCount;
    private int _tagsCount;
    private int _capabilitiesCount;
    private TermCatalogue _catalogue = null!;
    private int _generation;

    public ReadOnlySpan<Term?> Region => _region;
    public ReadOnlySpan<Term?> Task => _task;
    public ReadOnlySpan<Term?> Accel => _accel.AsSpan(0, _accelCount);
    public ReadOnlySpan<Term?> Tags => _tags.AsSpan(0, _tagsCount);
    public ReadOnlySpan<Term?> Capabilities => _capabilities.AsSpan(0, _capabilitiesCount);

    public void Resolve(MatchQuery query, TermCatalogue catalogue)
    {
        _catalogue = catalogue;
        // Read before the lookups: a term created during them is then looked up again.
        _generation = catalogue.Generation;
        _region[0] = query.Region is null ? null : catalogue.Regions.Find(query.Region);
        _task[0] = query.TaskCapability is null ? null : catalogue.Capabilities.Find(query.TaskCapability);
        _accelCount = Resolve(query.Accel, catalogue.Accel, ref _accel);
        _tagsCount = Resolve(query.Tags, catalogue.Tags, ref _tags);
        _capabilitiesCount = Resolve(query.Capabilities, catalogue.Capabilities, ref _capabilities);
    }

    public void Renew(MatchQuery query)
    {
        if (_catalogue.Generation != _generation)
        {
            Resolve(query, _catalogue);
        }
    }

    public int CapabilitiesHad(int segment, int offset)
    {
        int had = 0;
        foreach (Term? term in Capabilities)
        {
            if (term?.In(segment).Contains(offset) == true)
            {
                had++;
            }
        }
        return had;
    }

    private static int Resolve(string[] texts, TermTable table, ref Term?[] terms)
    {
        if (terms.Length < texts.Length)
        {
            terms = new Term?[texts.Length];
        }
        for (int i = 0; i < texts.Length; i++)
        {
            terms[i] = table.Find(texts[i]);
        }
        return texts.Length;
    }
}

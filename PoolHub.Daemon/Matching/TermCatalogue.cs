using System.Runtime.InteropServices;
using PoolHub.Protocol;

namespace PoolHub.Daemon.Matching;

/// <summary>
/// All terms of the index, and the texts that profiles share. 100,000 miners say "cuda", "eu-west-1" and "RTX 4090";
/// one instance of each is kept. Changed under the index's lock.
/// </summary>
internal sealed class TermCatalogue
{
    /// <summary>Held by the threads that fill segments, on behalf of the one that holds the index's.</summary>
    private readonly Lock _filling = new();
    private readonly BitsetPool _bitsets = new();
    private readonly List<Term> _acquired = [];
    private readonly List<Term> _left = [];
    private readonly List<Term> _list = [];
    private int _created;
    private int _stamp;

    public TermTable Regions { get; } = new(indexed: true);
    public TermTable Accel { get; } = new(indexed: true);
    public TermTable Tags { get; } = new(indexed: true);
    public TermTable Capabilities { get; } = new(indexed: true);

    /// <summary>Protocols, GPU names and owners.</summary>
    public TermTable Names { get; } = new(indexed: false);

    /// <summary>Grows with each new term: a query that resolved its terms at another generation resolves them anew.</summary>
    public int Generation => Volatile.Read(ref _created);

    /// <summary>
    /// Makes the profile's card, with its texts shared (the profile itself where they are already), and counts the miner as a user of its terms, each once.
    /// <see cref="Enter"/> then puts the miner among those who declare them.
    /// </summary>
    public Offer Acquire(string minerId, MinerProfile profile)
    {
        List<Term> terms = _acquired;
        terms.Clear();
        int created = _created;
        _stamp++;
        string region = AddRegion(profile.Region, terms, ref created).Text;
        string proto = Use(Names, profile.Proto, terms, ref created);
        string gpuName = Use(Names, profile.GpuName, terms, ref created);
        string owner = Use(Names, profile.Owner, terms, ref created);
        string[] accel = Use(Accel, profile.Accel, terms, ref created);
        string[] tags = Use(Tags, profile.Tags, terms, ref created);
        string[] capabilities = Use(Capabilities, profile.Capabilities, terms, ref created);
        foreach (Term term in terms)
        {
            term.Uses++;
        }
        Volatile.Write(ref _created, created);
        return new Offer(minerId, WithTexts(profile, region, proto, gpuName, owner, accel, tags, capabilities));
    }

    /// <summary>The profile with these texts: itself where they are its own already.</summary>
    public static MinerProfile WithTexts(
        MinerProfile profile, string region, string proto, string gpuName, string owner, string[] accel, string[] tags, string[] capabilities)
    {
        bool shared = region == (object)profile.Region && proto == (object)profile.Proto && gpuName == (object)profile.GpuName
            && owner == (object)profile.Owner && accel == profile.Accel && tags == profile.Tags && capabilities == profile.Capabilities;
        return shared ? profile : profile with
        {
            Region = region,
            Proto = proto,
            GpuName = gpuName,
            Owner = owner,
            Accel = accel,
            Tags = tags,
            Capabilities = capabilities,
        };
    }

    /// <summary>A miner on this slot declares what was acquired last. Within a write to its segment, as is the next.</summary>
    public void Enter(int slot)
    {
        foreach (Term term in _acquired)
        {
            if (term.Table.Indexed)
            {
                term.Set(slot >> Segment.SizeBits, slot & Segment.Mask, _bitsets);
            }
        }
    }

    /// <summary>The miner on this slot declares no more what its card says. <see cref="Release"/> must follow.</summary>
    public void Leave(Offer offer, int slot)
    {
        Collect(offer.Profile, _left);
        foreach (Term term in _left)
        {
            if (term.Table.Indexed)
            {
                term.Clear(slot >> Segment.SizeBits, slot & Segment.Mask, _bitsets);
            }
        }
    }

    /// <summary>Counts the miner that left last as no user any more.</summary>
    public void Release()
    {
        foreach (Term term in _left)
        {
            if (--term.Uses == 0)
            {
                term.Table.Remove(term);
            }
        }
    }

    /// <summary>The term of a text, for a thread of a fill: it may be of use to others meanwhile.</summary>
    public Term Find(TermTable table, string text)
    {
        lock (_filling)
        {
            int created = _created;
            Term term = table == Regions ? FindOrAddRegion(text, ref created) : FindOrAdd(table, text, ref created);
            Volatile.Write(ref _created, created);
            return term;
        }
    }

    /// <summary>See <see cref="TermTable.Share"/>; for a thread of a fill, as is the next.</summary>
    public string[] Share(TermTable table, string[] declared, ReadOnlySpan<Term> terms)
    {
        lock (_filling)
        {
            return table.Share(declared, terms);
        }
    }

    /// <summary>All who declare a term in a segment that had nobody.</summary>
    public void Enter(Term term, int segment, in SlotSet miners, int uses)
    {
        lock (_filling)
        {
            term.Uses += uses;
            if (term.Table.Indexed)
            {
                term.Set(segment, in miners);
            }
        }
    }

    /// <summary>
    /// Puts the sets of the segments that were filled side by side for each term: a query reads one of each segment.
    /// </summary>
    /// <param name="segment">The first of these segments.</param>
    public void Gather(int segment)
    {
        foreach (TermTable table in (ReadOnlySpan<TermTable>)[Regions, Accel, Tags, Capabilities])
        {
            foreach (Term term in table.All)
            {
                term.MoveSets(segment, _bitsets);
            }
        }
    }

    /// <summary>The terms of a card that <see cref="Acquire"/> made; each is in use, so none is created.</summary>
    private void Collect(MinerProfile profile, List<Term> terms)
    {
        terms.Clear();
        int created = 0;
        _stamp++;
        AddRegion(profile.Region, terms, ref created);
        Use(Names, profile.Proto, terms, ref created);
        Use(Names, profile.GpuName, terms, ref created);
        Use(Names, profile.Owner, terms, ref created);
        Mark(Accel, profile.Accel, terms);
        Mark(Tags, profile.Tags, terms);
        Mark(Capabilities, profile.Capabilities, terms);
    }

    /// <summary>eu-west-1 is found under eu, eu-west and eu-west-1; the last is returned.</summary>
    private Term AddRegion(string region, List<Term> terms, ref int created)
    {
        Term term = FindOrAddRegion(region, ref created);
        for (Term? part = term; part is not null; part = part.Parent)
        {
            Mark(part, terms);
        }
        return term;
    }

    private Term FindOrAddRegion(string region, ref int created)
    {
        if (Regions.Find(region) is { } known)
        {
            return known;
        }
        int end = region.LastIndexOf('-');
        Term? parent = end <= 0 ? null : FindOrAddRegion(region[..end], ref created);
        return Regions.Add(region, parent, ref created);
    }

    private static Term FindOrAdd(TermTable table, string text, ref int created) =>
        table.Find(text) ?? table.Add(text, parent: null, ref created);

    private string[] Use(TermTable table, string[] texts, List<Term> terms, ref int created)
    {
        if (texts.Length == 0)
        {
            return texts;
        }
        _list.Clear();
        foreach (string text in texts)
        {
            _list.Add(Mark(FindOrAdd(table, text, ref created), terms));
        }
        return table.Share(texts, CollectionsMarshal.AsSpan(_list));
    }

    private string Use(TermTable table, string text, List<Term> terms, ref int created) =>
        Mark(FindOrAdd(table, text, ref created), terms).Text;

    private void Mark(TermTable table, string[] texts, List<Term> terms)
    {
        foreach (string text in texts)
        {
            Mark(table.Find(text)!, terms);
        }
    }

    private Term Mark(Term term, List<Term> terms)
    {
        if (term.Stamp != _stamp)
        {
            term.Stamp = _stamp;
            terms.Add(term);
        }
        return term;
    }
}

using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using PoolHub.Protocol;

namespace PoolHub.Daemon.Matching;

/// <summary>
/// Fills one segment after the other with newcomers, for <see cref="FleetFill"/>. Each thread has its own: what the
/// miners of a segment declare is gathered apart, and the terms are told once the segment is full.
/// </summary>
internal sealed class SegmentFill(TermCatalogue catalogue, LatencyRanks latency)
{
    private readonly Known _regions = new();
    private readonly Known _names = new();
    private readonly Known _accel = new();
    private readonly Known _tags = new();
    private readonly Known _capabilities = new();
    private readonly List<Term> _list = [];

    /// <summary>Where sets are until <see cref="TermCatalogue.Gather"/>.</summary>
    private readonly BitsetPool _bitsets = new();

    /// <summary>What the miners of this segment declare.</summary>
    private readonly List<Declared> _declared = [];
    private int _offset;

    /// <summary>A term, and who declares it in the segment.</summary>
    private sealed class Declared(Term term)
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

    /// <summary>What was found of one kind. Most texts are those of a few miners before, and need no hash of all of it.</summary>
    private sealed class Known
    {
        private const int PlacesLog2 = 10;
        private const int Places = 1 << PlacesLog2;

        private readonly Dictionary<string, Declared> _all = new(StringComparer.Ordinal);
        /// <summary>The text stands beside what was found: to compare it nothing else need be fetched.</summary>
        private readonly (string? Text, Declared? Declared)[] _recent = new (string?, Declared?)[Places];

        public bool TryGet(string text, [NotNullWhen(true)] out Declared? declared)
        {
            ref (string? Text, Declared? Declared) recent = ref _recent[PlaceOf(text)];
            if (string.Equals(recent.Text, text))
            {
                declared = recent.Declared!;
                return true;
            }
            if (!_all.TryGetValue(text, out declared))
            {
                return false;
            }
            recent = (text, declared);
            return true;
        }

        public void Add(string text, Declared declared) => _all.Add(text, declared);

        /// <summary>Names differ at their ends or in the middle: four characters of each count.</summary>
        private static int PlaceOf(string text)
        {
            const int Word = sizeof(ulong) / sizeof(char);
            if (text.Length < Word)
            {
                return text.Length == 0 ? 0 : (text[0] ^ (text[^1] << 3)) % Places;
            }
            ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(text.AsSpan());
            int middle = Math.Min(text.Length / 2, text.Length - Word) * sizeof(char);
            ulong hash = MemoryMarshal.Read<ulong>(bytes) + (MemoryMarshal.Read<ulong>(bytes[middle..]) * 0x9E37_79B9_7F4A_7C15);
            hash = (hash ^ MemoryMarshal.Read<ulong>(bytes[^sizeof(ulong)..])) * 0xFF51_AFD7_ED55_8CCD;
            return (int)(hash >> (64 - PlacesLog2));
        }
    }

    /// <param name="segment">One that nobody reads yet.</param>
    /// <param name="offset">An empty slot.</param>
    /// <param name="miner">Whom to put there.</param>
    /// <param name="priceRank">The rank of its price.</param>
    public void Put(Segment segment, int offset, in Newcomer miner, int priceRank)
    {
        _offset = offset;
        MinerProfile profile = miner.Profile;
        Declared region = DeclareRegion(profile.Region);
        string proto = Declare(catalogue.Names, _names, profile.Proto).Term.Text;
        string gpuName = Declare(catalogue.Names, _names, profile.GpuName).Term.Text;
        string owner = Declare(catalogue.Names, _names, profile.Owner).Term.Text;
        string[] accel = Declare(catalogue.Accel, _accel, profile.Accel, out _);
        string[] tags = Declare(catalogue.Tags, _tags, profile.Tags, out _);
        string[] capabilities = Declare(catalogue.Capabilities, _capabilities, profile.Capabilities, out bool anyTask);
        profile = TermCatalogue.WithTexts(profile, region.Term.Text, proto, gpuName, owner, accel, tags, capabilities);
        segment.PriceE8.Fill(offset, miner.Price.E8, priceRank);
        Write(segment, offset, in miner, new Offer(miner.MinerId, profile), region.Latency!);
        Segment.SetBit(segment.AnyTask, offset, anyTask);
    }

    /// <summary>Makes the segment whole.</summary>
    /// <param name="segment">The segment.</param>
    /// <param name="count">Its miners stand on the first slots.</param>
    public void Complete(Segment segment, int count)
    {
        segment.CompleteFill(count);
        foreach (Declared declared in _declared)
        {
            catalogue.Enter(declared.Term, segment.Index, in declared.Members, declared.Uses);
            (declared.Members, declared.Uses, declared.Last) = (default, 0, -1);
        }
        _declared.Clear();
    }

    /// <summary>Writes an empty slot, of each level and digit only the highest bit.</summary>
    private static void Write(Segment segment, int offset, in Newcomer miner, Offer offer, RegionLatency region)
    {
        MinerProfile profile = offer.Profile;
        ref SlotFigures figures = ref segment.Figures(offset);
        figures = new SlotFigures
        {
            Trust = miner.Trust,
            LatencyNorm = region.Norm(miner.RttMs),
            IdHash = StableHash.Of(miner.MinerId),
            Load = Math.Max(miner.Load, 0),
            MaxParallel = profile.MaxParallel,
            Available = miner.Available,
            RttMs = Math.Max(miner.RttMs, -1),
            ServiceMs = Math.Max(miner.ServiceMs, -1),
        };
        figures.ShownLevel = figures.LoadLevel();
        segment.Trust.Fill(offset, Segment.LevelOf(figures.Trust));
        segment.Latency.Fill(offset, Segment.LevelOf(figures.LatencyNorm));
        segment.Load.Fill(offset, figures.ShownLevel);
        (float vram, float ram) = ((float)profile.GpuVramGb, (float)profile.RamGb);
        segment.VramGb.Fill(offset, vram, segment.VramGb.Steps.Rank(vram));
        segment.RamGb.Fill(offset, ram, segment.RamGb.Steps.Rank(ram));
        Segment.SetBit(segment.Available, offset, miner.Available);
        Segment.SetBit(segment.Degraded, offset, miner.Degraded);
        (segment.Region[offset], segment.Offers[offset]) = (region, offer);
        segment.Peaks.Raise(profile.MaxParallel);
        segment.Peaks.Trust = Math.Max(segment.Peaks.Trust, figures.Trust);
        segment.Peaks.LatencyNorm = Math.Max(segment.Peaks.LatencyNorm, figures.LatencyNorm);
    }

    private Declared DeclareRegion(string name)
    {
        Declared region = FindRegion(name);
        for (Declared? part = region; part is not null; part = part.Parent)
        {
            Add(part);
        }
        return region;
    }

    private Declared FindRegion(string name)
    {
        if (_regions.TryGet(name, out Declared? known))
        {
            return known;
        }
        Term term = catalogue.Find(catalogue.Regions, name);
        Declared? parent = term.Parent is { } wider ? FindRegion(wider.Text) : null;
        var region = new Declared(term) { Parent = parent, Latency = latency.Find(name) };
        _regions.Add(name, region);
        return region;
    }

    private string[] Declare(TermTable table, Known known, string[] texts, out bool taskless)
    {
        taskless = true;
        bool shared = true;
        _list.Clear();
        foreach (string text in texts)
        {
            Declared declared = Declare(table, known, text);
            taskless &= !declared.IsTask;
            shared &= ReferenceEquals(declared.Term.Text, text);
            _list.Add(declared.Term);
        }
        // A list of shared texts is in memory already: another copy of the profile would cost more than it saves.
        return shared ? texts : catalogue.Share(table, texts, CollectionsMarshal.AsSpan(_list));
    }

    private Declared Declare(TermTable table, Known known, string text)
    {
        if (!known.TryGet(text, out Declared? declared))
        {
            declared = new Declared(catalogue.Find(table, text));
            known.Add(text, declared);
        }
        Add(declared);
        return declared;
    }

    private void Add(Declared declared)
    {
        if (declared.Last == _offset)
        {
            return;
        }
        declared.Last = _offset;
        if (declared.Uses++ == 0)
        {
            _declared.Add(declared);
        }
        if (declared.IsIndexed)
        {
            declared.Members.Add(_offset, _bitsets);
        }
    }
}

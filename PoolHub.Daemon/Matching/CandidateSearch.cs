using System.Numerics;
using PoolHub.Protocol;

namespace PoolHub.Daemon.Matching;

/// <summary>
/// The best of the miners that passed every clause, exactly, without scoring all of them. Nobody's score goes beyond
/// that of the segment's peaks taken together. To beat the worst candidate so far, a miner may thus fall short of each
/// single peak only by so much; who falls short by more is left out by the levels' bitsets, unseen.
/// </summary>
internal sealed class CandidateSearch
{
    /// <summary>More than what rounding can add to a score: bounds stay on the safe side of it.</summary>
    private const double Rounding = 1e-9;

    /// <summary>How far below the peaks the first candidates are looked for; doubled until there are enough.</summary>
    private const double FirstMargin = 1.0 / 64;

    /// <summary>Scoring so few costs less than reading the bits of another term.</summary>
    private const int Few = 8;

    private readonly ulong[] _group = new ulong[Segment.Words];
    private readonly ulong[] _rest = new ulong[Segment.Words];
    private readonly ulong[] _box = new ulong[Segment.Words];
    private readonly TopCandidates _found = new();

    private readonly int[] _places = new int[Segment.Size];

    /// <summary>Keeps what was looked at from being optimised away.</summary>
    private int _seen;
    private MatchQuery _query = null!;
    private Weights _weights;
    private QueryTerms _terms = null!;
    private long _ceilingE8;

    /// <summary>A price of 1e-8, as a share of the ceiling.</summary>
    private double _shareOfE8;

    /// <summary>What a score must reach to enter, by what is accepted.</summary>
    private double _healthyFloor;
    private double _degradedFloor;

    /// <summary>The same for the group that is being scored, by what was found in the segment as well.</summary>
    private double _floor;

    /// <summary>Of all segments accepted so far.</summary>
    private TopCandidates _best = null!;

    /// <summary>How many of the last segment's were found full, or too late, since the clauses were applied.</summary>
    public int FilledMeanwhile { get; private set; }
    public int LateMeanwhile { get; private set; }

    public void Begin(MatchQuery query, QueryTerms terms, long ceilingE8, TopCandidates best)
    {
        (_query, _weights, _terms, _ceilingE8, _best) = (query, query.Weights, terms, ceilingE8, best);
        _shareOfE8 = ceilingE8 == 0 ? 0 : 1.0 / ceilingE8;
        _found.Reset(best.Capacity, query.SpreadBy);
        RenewFloors();
    }

    public void Clear()
    {
        _found.Clear();
        (FilledMeanwhile, LateMeanwhile) = (0, 0);
    }

    /// <summary>Adds what the last run found to the answer.</summary>
    public void Accept()
    {
        for (int i = 0; i < _found.Count; i++)
        {
            _best.Offer(in _found[i]);
        }
        if (_found.Count > 0)
        {
            RenewFloors();
        }
    }

    /// <param name="segment">The segment.</param>
    /// <param name="passed">Whoever passed all clauses.</param>
    public void Run(Segment segment, Survivors passed)
    {
        Peaks peaks = segment.Peaks;
        double price = Math.Max(0, 1 - (segment.PriceE8.Least * _shareOfE8));
        // Without the capability term, which is at most 1.
        double bound = Scoring.Score(_weights, 0, price, peaks.LatencyNorm, peaks.Trust, peaks.LoadNorm) + Rounding;
        if (bound + _weights.Cap < Math.Min(_healthyFloor, _degradedFloor))
        {
            return;
        }
        foreach (bool degraded in (ReadOnlySpan<bool>)[false, true])
        {
            if (bound + _weights.Cap >= Floor(degraded))
            {
                passed.Words.CopyTo(_group, 0);
                RunByCapabilities(segment, bound, price, degraded);
            }
        }
    }

    /// <summary>Those with all requested capabilities first: the term with the coarsest steps parts the scores most.</summary>
    private void RunByCapabilities(Segment segment, double bound, double price, bool degraded)
    {
        int requested = _query.Capabilities.Length;
        if (requested > 1)
        {
            _group.CopyTo(_rest, 0);
            foreach (Term? term in _terms.Capabilities)
            {
                Array.Clear(_box);
                term?.In(segment.Index).UnionInto(_box);
                Bitset.Keep(_group, _box);
            }
            Bitset.Drop(_rest, _group);
            Run(segment, bound + _weights.Cap, price, degraded);
            _rest.CopyTo(_group, 0);
            bound -= _weights.Cap / requested;
        }
        Run(segment, bound + _weights.Cap, price, degraded);
    }

    /// <param name="segment">The segment.</param>
    /// <param name="bound">What no score of the group goes beyond.</param>
    /// <param name="price">What no price term of the segment goes beyond.</param>
    /// <param name="degraded">Whether the group's miners are.</param>
    private void Run(Segment segment, double bound, double price, bool degraded)
    {
        double floor = Floor(degraded);
        if (double.IsNegativeInfinity(floor))
        {
            // There is nothing to beat yet, so a few good ones come first.
            double margin = FirstMargin;
            while (Box(segment, margin, price, degraded) < _found.Capacity && margin < 1)
            {
                margin *= 2;
            }
            ScoreBox(segment, degraded);
            Bitset.Drop(_group, _box);
            floor = Floor(degraded);
        }
        if (bound >= floor && Box(segment, bound - floor, price, degraded) > 0)
        {
            ScoreBox(segment, degraded);
        }
    }

    /// <summary>What a score must reach to enter.</summary>
    private double Floor(bool degraded) => Math.Max(degraded ? _degradedFloor : _healthyFloor, _found.Floor(degraded));

    private void RenewFloors() => (_healthyFloor, _degradedFloor) = (_best.Floor(degraded: false), _best.Floor(degraded: true));

    /// <summary>
    /// Puts into the box whom of the group no single term rules out, as far as looking at a term's bits costs less than
    /// scoring whoever is left; returns how many.
    /// </summary>
    /// <param name="segment">The segment.</param>
    /// <param name="margin">By how much a score may fall short of the peaks together.</param>
    /// <param name="peakPrice">The price term at its peak.</param>
    /// <param name="degraded">Whether degraded miners are wanted, or healthy ones; the last few may be others.</param>
    private int Box(Segment segment, double margin, double peakPrice, bool degraded)
    {
        Weights weights = _weights;
        Peaks peaks = segment.Peaks;
        _group.CopyTo(_box, 0);
        int latency = Segment.LevelOf(Math.Max(peaks.LatencyNorm - (margin / weights.Latency), 0));
        int trust = Segment.LevelOf(Math.Max(peaks.Trust - (margin / weights.Trust), 0));
        int load = (int)(Math.Max(peaks.LoadNorm - (margin / weights.Load), 0) * SlotFigures.LoadSteps);
        double price = peakPrice - (margin / weights.Price);
        int left = int.MaxValue;
        // From the second level of load on: the first says who has a free slot, which was asked before and may have changed.
        if (Keep(segment.Latency, latency, ref left)
            && Keep(segment.Trust, trust, ref left)
            && Keep(segment.Load, load > 0 ? load + 1 : 0, ref left))
        {
            if (price > 0)
            {
                segment.PriceE8.KeepAtMostRoughly(_box, (long)((1 - price + Rounding) * _ceilingE8) + 1);
            }
            if (degraded)
            {
                Bitset.Keep(_box, segment.Degraded);
            }
            else
            {
                Bitset.Drop(_box, segment.Degraded);
            }
            left = Bitset.Count(_box);
        }
        return left;
    }

    /// <summary>False when so few are left that no further bits are worth reading.</summary>
    private bool Keep(Levels levels, int level, ref int left)
    {
        if (level > 0)
        {
            Bitset.Keep(_box, levels.AtLeast(level));
            left = Bitset.Count(_box);
        }
        return left > Few;
    }

    private void ScoreBox(Segment segment, bool degraded)
    {
        // First their places, and a look at each: so all wait for memory together and not one after the other.
        int count = 0;
        int seen = 0;
        for (int word = 0; word < _box.Length; word++)
        {
            for (ulong rest = _box[word]; rest != 0; rest &= rest - 1)
            {
                int offset = (word * 64) + BitOperations.TrailingZeroCount(rest);
                _places[count++] = offset;
                seen |= segment.Figures(offset).MaxParallel | (int)segment.PriceE8[offset];
            }
        }
        _seen = seen;
        _floor = Floor(degraded);
        foreach (int offset in _places.AsSpan(0, count))
        {
            if (Segment.Has(segment.Degraded, offset) == degraded)
            {
                Score(segment, offset, degraded);
            }
        }
    }

    private void Score(Segment segment, int offset, bool degraded)
    {
        ref SlotFigures figures = ref segment.Figures(offset);
        // Read once, so that the clauses and the score speak of the same moment.
        int load = Volatile.Read(ref figures.Load) + Volatile.Read(ref figures.Held);
        // A miner that is just leaving may have none a moment later.
        int maxParallel = Volatile.Read(ref figures.MaxParallel);
        int free = maxParallel - load;
        int requested = _query.Capabilities.Length;
        // Whoever passed the clause with one capability requested has that one.
        int had = requested <= 1 ? requested : _terms.CapabilitiesHad(segment.Index, offset);
        double cap = Scoring.CapFit(had, requested);
        long priceE8 = segment.PriceE8[offset];
        double price = Scoring.PriceNorm(priceE8, _ceilingE8);
        double loadNorm = Scoring.LoadNorm(free, load);
        double score = Scoring.Score(_weights, cap, price, figures.LatencyNorm, figures.Trust, loadNorm);
        if (score < _floor)
        {
            return;
        }
        // A heartbeat or a hold may have filled the miner since the clauses were applied.
        if (free <= 0)
        {
            FilledMeanwhile++;
            return;
        }
        int rttMs = Volatile.Read(ref figures.RttMs);
        int eta = Scoring.EtaMs(rttMs, Volatile.Read(ref figures.ServiceMs), load, maxParallel);
        if (eta > _query.DeadlineMs)
        {
            LateMeanwhile++;
            return;
        }
        // A slot that is being emptied has no card; its version says so and the segment is read again.
        // Nor is a miner offered that was excluded, and came back to another slot meanwhile.
        if (segment.Offers[offset] is not { } offer || _query.Exclude.Contains(offer.MinerId))
        {
            return;
        }
        _found.Offer(new MatchCandidate
        {
            Offer = offer,
            Slot = (segment.Index << Segment.SizeBits) | offset,
            Degraded = degraded,
            Score = score,
            CapFit = cap,
            PriceNorm = price,
            LatencyNorm = figures.LatencyNorm,
            Trust = figures.Trust,
            LoadNorm = loadNorm,
            CapsHad = had,
            Price = new TokenPrice(priceE8),
            RttMs = rttMs,
            Load = load,
            Free = free,
            EtaMs = eta,
            IdHash = figures.IdHash,
            TieHash = StableHash.Pair(_query.JobHash, figures.IdHash),
        });
        _floor = Floor(degraded);
    }
}

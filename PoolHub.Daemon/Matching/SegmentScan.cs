using System.Numerics;
using PoolHub.Protocol;

namespace PoolHub.Daemon.Matching;

/// <summary>
/// Works out one segment's part of an answer: the clauses as bitset arithmetic, then the score of each survivor. What
/// it finds stays apart until <see cref="Accept"/>, since the segment may have changed under it and is then read again.
/// </summary>
internal sealed class SegmentScan
{
    private readonly ulong[] _mask = new ulong[Segment.Words];
    private readonly ulong[] _any = new ulong[Segment.Words];
    private readonly int[] _left = new int[Clauses.Count];
    private readonly TopCandidates _found = new();
    private readonly QueryTerms _terms = new();

    private MatchQuery _query = null!;
    private long _ceilingE8;

    /// <summary>Of all segments accepted so far.</summary>
    public int[] Left { get; } = new int[Clauses.Count];
    public TopCandidates Best { get; } = new();

    public void Begin(MatchQuery query, TermCatalogue terms, long ceilingE8)
    {
        _query = query;
        _ceilingE8 = ceilingE8;
        _terms.Resolve(query, terms);
        _found.Reset(query.TopK);
        Best.Reset(query.TopK);
        Array.Clear(Left);
    }

    public void Run(Segment segment)
    {
        Array.Clear(_left);
        _found.Clear();
        if (Filter(segment))
        {
            Score(segment);
        }
    }

    /// <summary>Adds what the last run found to the answer.</summary>
    public void Accept()
    {
        for (int i = 0; i < _left.Length; i++)
        {
            Left[i] += _left[i];
        }
        foreach (ref readonly MatchCandidate candidate in _found.Items)
        {
            Best.Offer(in candidate);
        }
    }

    /// <summary>Applies every clause but the deadline; false when nobody is left.</summary>
    private bool Filter(Segment segment)
    {
        _left[(int)Clause.Online] = segment.Count;
        if (segment.Count == 0)
        {
            return false;
        }
        _terms.Renew(_query);
        segment.Present.CopyTo(_mask, 0);
        return Keep(Clause.Available, segment.Available)
            && (_query.Region is null || KeepAny(Clause.Region, segment, _terms.Region))
            && (_query.Accel.Length == 0 || KeepAny(Clause.Accel, segment, _terms.Accel))
            && (_query.TaskCapability is null || KeepAny(Clause.Task, segment, _terms.Task, segment.AnyTask))
            && (_query.Capabilities.Length == 0 || KeepAny(Clause.CapabilitiesAny, segment, _terms.Capabilities))
            && (_query.Tags.Length == 0 || KeepAny(Clause.TagsAny, segment, _terms.Tags))
            && (_query.MinVramGb is not { } vram || KeepAtLeast(Clause.MinVramGb, segment.VramGb, vram))
            && (_query.MinRamGb is not { } ram || KeepAtLeast(Clause.MinRamGb, segment.RamGb, ram))
            && (_query.MaxPriceE8 is not { } price || KeepAtMost(Clause.MaxPrice, segment.PriceE8, price))
            && KeepFree(segment);
    }

    private bool KeepAny(Clause clause, Segment segment, ReadOnlySpan<Term?> terms, ulong[]? orThese = null)
    {
        if (orThese is null)
        {
            Array.Clear(_any);
        }
        else
        {
            orThese.CopyTo(_any, 0);
        }
        foreach (Term? term in terms)
        {
            term?.In(segment.Index)?.UnionInto(_any);
        }
        return Keep(clause, _any);
    }

    private bool Keep(Clause clause, ulong[] allowed)
    {
        int left = 0;
        ulong[] mask = _mask;
        for (int word = 0; word < Segment.Words; word++)
        {
            ulong kept = mask[word] & allowed[word];
            mask[word] = kept;
            left += BitOperations.PopCount(kept);
        }
        _left[(int)clause] = left;
        return left > 0;
    }

    private bool KeepAtLeast(Clause clause, float[] column, float limit)
    {
        int left = 0;
        for (int word = 0; word < Segment.Words; word++)
        {
            if (_mask[word] != 0)
            {
                left += BitOperations.PopCount(_mask[word] &= Columns.AtLeast(column, word * 64, limit));
            }
        }
        _left[(int)clause] = left;
        return left > 0;
    }

    private bool KeepAtMost(Clause clause, long[] column, long limit)
    {
        int left = 0;
        for (int word = 0; word < Segment.Words; word++)
        {
            if (_mask[word] != 0)
            {
                left += BitOperations.PopCount(_mask[word] &= Columns.AtMost(column, word * 64, limit));
            }
        }
        _left[(int)clause] = left;
        return left > 0;
    }

    private bool KeepFree(Segment segment)
    {
        int left = 0;
        for (int word = 0; word < Segment.Words; word++)
        {
            if (_mask[word] != 0)
            {
                left += BitOperations.PopCount(_mask[word] &= Columns.SumLessThan(segment.Load, segment.Held, segment.MaxParallel, word * 64));
            }
        }
        _left[(int)Clause.FreeSlots] = left;
        return left > 0;
    }

    private void Score(Segment segment)
    {
        for (int word = 0; word < Segment.Words; word++)
        {
            ulong degraded = segment.Degraded[word];
            for (ulong rest = _mask[word]; rest != 0; rest &= rest - 1)
            {
                int bit = BitOperations.TrailingZeroCount(rest);
                Score(segment, (word * 64) + bit, (degraded & (1UL << bit)) != 0);
            }
        }
    }

    private void Score(Segment segment, int offset, bool degraded)
    {
        // Each heartbeat column is read once, so that the clauses and the score speak of the same moment. A heartbeat
        // or a hold may have filled the miner since the mask was made.
        int load = Volatile.Read(ref segment.Load[offset]) + Volatile.Read(ref segment.Held[offset]);
        int maxParallel = segment.MaxParallel[offset];
        int free = maxParallel - load;
        if (free <= 0)
        {
            _left[(int)Clause.FreeSlots]--;
            return;
        }
        int rttMs = Volatile.Read(ref segment.RttMs[offset]);
        int serviceMs = Volatile.Read(ref segment.ServiceMs[offset]);
        if (_query.DeadlineMs is { } deadlineMs)
        {
            if (Scoring.EtaMs(rttMs, serviceMs, load, maxParallel) > deadlineMs)
            {
                return;
            }
            _left[(int)Clause.DeadlineMs]++;
        }

        int requested = _query.Capabilities.Length;
        // Whoever passed the clause with one capability requested has that one.
        int had = requested <= 1 ? requested : _terms.CapabilitiesHad(segment.Index, offset);
        double cap = Scoring.CapFit(had, requested);
        long priceE8 = segment.PriceE8[offset];
        double price = Scoring.PriceNorm(priceE8, _ceilingE8);
        double latency = segment.Region[offset]?.Norm(rttMs) ?? Scoring.UnknownLatencyNorm;
        double trust = segment.Trust[offset];
        double loadNorm = Scoring.LoadNorm(free, load);
        double score = Scoring.Score(_query.Weights, cap, price, latency, trust, loadNorm);
        // A slot that is being emptied has no card; its version says so and the segment is read again.
        if (!Best.MayEnter(degraded, score) || !_found.MayEnter(degraded, score) || segment.Offers[offset] is not { } offer)
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
            LatencyNorm = latency,
            Trust = trust,
            LoadNorm = loadNorm,
            CapsHad = had,
            Price = new TokenPrice(priceE8),
            RttMs = rttMs,
            Load = load,
            Free = free,
            EtaMs = Scoring.EtaMs(rttMs, serviceMs, load, maxParallel),
            TieHash = StableHash.Pair(_query.JobHash, offer.IdHash),
        });
    }
}

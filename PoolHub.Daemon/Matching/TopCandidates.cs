using PoolHub.Protocol;

namespace PoolHub.Daemon.Matching;

/// <summary>The best K candidates seen so far: a heap with the worst of them on top.</summary>
internal sealed class TopCandidates
{
    private MatchCandidate[] _items = [];
    private SpreadBy _spreadBy;

    /// <summary>What nobody who was left out before <see cref="Seal"/> is above; no score goes below minus infinity.</summary>
    private double _sealedHealthy;
    private double _sealedDegraded;

    /// <summary>K.</summary>
    public int Capacity { get; private set; }

    public int Count { get; private set; }

    public ReadOnlySpan<MatchCandidate> Items => _items.AsSpan(0, Count);

    /// <param name="capacity">K.</param>
    /// <param name="spreadBy">Of what no two may have the same.</param>
    public void Reset(int capacity, SpreadBy spreadBy)
    {
        _spreadBy = spreadBy;
        if (_items.Length < capacity)
        {
            _items = new MatchCandidate[capacity];
        }
        Capacity = capacity;
        Count = 0;
        (_sealedHealthy, _sealedDegraded) = (double.NegativeInfinity, double.NegativeInfinity);
    }

    public void Clear() => Count = 0;

    /// <summary>What a score must reach to enter; a tie is left to <see cref="Offer"/>.</summary>
    /// <param name="degraded">Whether the miner is; no score lifts a degraded one over a healthy one.</param>
    public double Floor(bool degraded) => Math.Max(degraded ? _sealedDegraded : _sealedHealthy, FloorOfHeap(degraded));

    /// <summary>
    /// Remembers the floors. Candidates may be removed afterwards, and those who were left out because of them need not
    /// be offered again: none of them is above the floors.
    /// </summary>
    public void Seal() => (_sealedHealthy, _sealedDegraded) = (Floor(degraded: false), Floor(degraded: true));

    /// <summary>Removes the candidates of one segment.</summary>
    public void RemoveSegment(int segment)
    {
        int offered = Count;
        Count = 0;
        for (int i = 0; i < offered; i++)
        {
            if (_items[i].Slot >> Segment.SizeBits != segment)
            {
                // Into one of the places that were looked at.
                MatchCandidate kept = _items[i];
                SiftUp(Count++, in kept);
            }
        }
    }

    /// <summary>Offers everybody to another list, in the order of another job.</summary>
    public void OfferTo(TopCandidates other, ulong jobHash)
    {
        foreach (ref readonly MatchCandidate candidate in Items)
        {
            if (candidate.Score >= other.Floor(candidate.Degraded))
            {
                MatchCandidate renewed = candidate;
                renewed.TieHash = StableHash.Pair(jobHash, candidate.IdHash);
                other.Offer(in renewed);
            }
        }
    }

    /// <summary>Whether nobody who was left out of this list would be in the other, which has the best of this one.</summary>
    public bool LeftOutNobodyFor(TopCandidates other)
    {
        double healthy = Floor(degraded: false);
        double degraded = Floor(degraded: true);
        if (other.Count < other.Capacity)
        {
            return double.IsNegativeInfinity(Math.Max(healthy, degraded));
        }
        ref readonly MatchCandidate worst = ref other._items[0];
        return worst.Degraded ? double.IsNegativeInfinity(healthy) && worst.Score > degraded : worst.Score > healthy;
    }

    private double FloorOfHeap(bool degraded)
    {
        if (Count < Capacity || (!degraded && _items[0].Degraded))
        {
            return double.NegativeInfinity;
        }
        return degraded == _items[0].Degraded ? _items[0].Score : double.PositiveInfinity;
    }

    public void Offer(in MatchCandidate candidate)
    {
        int rival = _spreadBy == SpreadBy.None ? -1 : FindRival(in candidate);
        if (rival >= 0)
        {
            if (candidate.IsBefore(in _items[rival]))
            {
                SiftDown(rival, in candidate, Count);
            }
        }
        else if (Count < Capacity)
        {
            SiftUp(Count++, in candidate);
        }
        else if (candidate.IsBefore(in _items[0]))
        {
            SiftDown(0, in candidate, Count);
        }
    }

    /// <summary>Who has the same region or owner; -1 when nobody does.</summary>
    private int FindRival(in MatchCandidate candidate)
    {
        string? group = Group(in candidate);
        for (int i = 0; i < Count; i++)
        {
            if (group is not null && group == Group(in _items[i]))
            {
                return i;
            }
        }
        return -1;
    }

    /// <summary>Null for a miner that stands for itself.</summary>
    private string? Group(in MatchCandidate candidate)
    {
        MinerProfile profile = candidate.Offer.Profile;
        return _spreadBy == SpreadBy.Region ? profile.Region : profile.Owner is { Length: > 0 } owner ? owner : null;
    }

    /// <summary>Takes one out and keeps the order of the others; only when sorted.</summary>
    public void RemoveAt(int place) => Array.Copy(_items, place + 1, _items, place, --Count - place);

    /// <summary>Puts the best first. The heap is one no more until it is reset.</summary>
    public void Sort()
    {
        for (int last = Count - 1; last > 0; last--)
        {
            MatchCandidate worst = _items[0];
            MatchCandidate moved = _items[last];
            SiftDown(0, in moved, last);
            _items[last] = worst;
        }
    }

    private void SiftUp(int at, in MatchCandidate candidate)
    {
        while (at > 0)
        {
            int parent = (at - 1) >> 1;
            if (!_items[parent].IsBefore(in candidate))
            {
                break;
            }
            _items[at] = _items[parent];
            at = parent;
        }
        _items[at] = candidate;
    }

    /// <summary>Replaces one of the first <paramref name="count"/> items by one that is not worse.</summary>
    private void SiftDown(int at, in MatchCandidate candidate, int count)
    {
        while (true)
        {
            int child = (at * 2) + 1;
            if (child >= count)
            {
                break;
            }
            if (child + 1 < count && _items[child].IsBefore(in _items[child + 1]))
            {
                child++;
            }
            if (!candidate.IsBefore(in _items[child]))
            {
                break;
            }
            _items[at] = _items[child];
            at = child;
        }
        _items[at] = candidate;
    }
}

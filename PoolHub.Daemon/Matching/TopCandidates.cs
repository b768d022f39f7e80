using PoolHub.Protocol;

namespace PoolHub.Daemon.Matching;

/// <summary>The best K candidates seen so far, best first. A candidate stays where it was put; what moves is its number.</summary>
internal sealed class TopCandidates
{
    private MatchCandidate[] _items = [];

    /// <summary>Where the candidates are, in their order, and after them the places that are free.</summary>
    private int[] _order = [];
    private SpreadBy _spreadBy;

    /// <summary>What nobody who was left out before <see cref="Seal"/> is above; no score goes below minus infinity.</summary>
    private double _sealedHealthy;
    private double _sealedDegraded;

    /// <summary>K.</summary>
    public int Capacity { get; private set; }

    public int Count { get; private set; }

    private ref MatchCandidate Last => ref _items[_order[Count - 1]];

    public ref readonly MatchCandidate this[int place] => ref _items[_order[place]];

    /// <param name="capacity">K.</param>
    /// <param name="spreadBy">Of what no two may have the same.</param>
    public void Reset(int capacity, SpreadBy spreadBy)
    {
        _spreadBy = spreadBy;
        if (_items.Length < capacity)
        {
            _items = new MatchCandidate[capacity];
            _order = [.. Enumerable.Range(0, capacity)];
        }
        Capacity = capacity;
        Count = 0;
        (_sealedHealthy, _sealedDegraded) = (double.NegativeInfinity, double.NegativeInfinity);
    }

    public void Clear() => Count = 0;

    /// <summary>What a score must reach to enter; a tie is left to <see cref="Offer"/>.</summary>
    /// <param name="degraded">Whether the miner is; no score lifts a degraded one over a healthy one.</param>
    public double Floor(bool degraded)
    {
        double left = degraded ? _sealedDegraded : _sealedHealthy;
        if (Count < Capacity || (!degraded && Last.Degraded))
        {
            return left;
        }
        return degraded == Last.Degraded ? Math.Max(left, Last.Score) : double.PositiveInfinity;
    }

    public void Offer(in MatchCandidate candidate)
    {
        int rival = _spreadBy == SpreadBy.None ? -1 : FindRival(in candidate);
        if (rival >= 0)
        {
            if (candidate.IsBefore(in this[rival]))
            {
                RemoveAt(rival);
                Insert(in candidate);
            }
        }
        else if (Count < Capacity)
        {
            Insert(in candidate);
        }
        else if (candidate.IsBefore(in Last))
        {
            Count--;
            Insert(in candidate);
        }
    }

    /// <summary>Takes one out; the others keep their order.</summary>
    public void RemoveAt(int place)
    {
        int freed = _order[place];
        Array.Copy(_order, place + 1, _order, place, --Count - place);
        _order[Count] = freed;
    }

    /// <summary>
    /// Remembers the floors. Candidates may be removed afterwards, and those who were left out because of them need not
    /// be offered again: none of them is above the floors.
    /// </summary>
    public void Seal() => (_sealedHealthy, _sealedDegraded) = (Floor(degraded: false), Floor(degraded: true));

    /// <summary>Removes the candidates of one segment.</summary>
    public void RemoveSegment(int segment)
    {
        for (int place = Count - 1; place >= 0; place--)
        {
            if (this[place].Slot >> Segment.SizeBits == segment)
            {
                RemoveAt(place);
            }
        }
    }

    /// <summary>Offers everybody to another list, in the order of another job.</summary>
    public void OfferTo(TopCandidates other, ulong jobHash)
    {
        for (int place = 0; place < Count && this[place].Score >= other.Floor(this[place].Degraded); place++)
        {
            MatchCandidate renewed = this[place];
            renewed.TieHash = StableHash.Pair(jobHash, renewed.IdHash);
            other.Offer(in renewed);
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
        ref readonly MatchCandidate worst = ref other.Last;
        return worst.Degraded ? double.IsNegativeInfinity(healthy) && worst.Score > degraded : worst.Score > healthy;
    }

    /// <summary>The candidates side by side, best first; good until one is offered or removed.</summary>
    public ReadOnlySpan<MatchCandidate> Arrange()
    {
        for (int place = 0; place < Count; place++)
        {
            int from = _order[place];
            if (from != place)
            {
                (_items[place], _items[from]) = (_items[from], _items[place]);
                // Whoever had this place is now where its new owner was.
                _order[_order.AsSpan(place).IndexOf(place) + place] = from;
                _order[place] = place;
            }
        }
        return _items.AsSpan(0, Count);
    }

    /// <summary>Who has the same region or owner; -1 when nobody does.</summary>
    private int FindRival(in MatchCandidate candidate)
    {
        string? group = Group(in candidate);
        for (int i = 0; i < Count; i++)
        {
            if (group is not null && group == Group(in this[i]))
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

    /// <summary>Puts a candidate where it belongs; there must be room.</summary>
    private void Insert(in MatchCandidate candidate)
    {
        int from = 0;
        int to = Count;
        // Most come in their order.
        for (int middle = to - 1; from < to; middle = (from + to) / 2)
        {
            if (candidate.IsBefore(in this[middle]))
            {
                to = middle;
            }
            else
            {
                from = middle + 1;
            }
        }
        int free = _order[Count];
        _items[free] = candidate;
        Array.Copy(_order, from, _order, from + 1, Count - from);
        _order[from] = free;
        Count++;
    }
}

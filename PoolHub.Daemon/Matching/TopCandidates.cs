using PoolHub.Protocol;

namespace PoolHub.Daemon.Matching;

/// <summary>The best K candidates seen so far: a heap with the worst of them on top.</summary>
internal sealed class TopCandidates
{
    private MatchCandidate[] _items = [];
    private int _capacity;
    private SpreadBy _spreadBy;

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
        _capacity = capacity;
        Count = 0;
    }

    public void Clear() => Count = 0;

    /// <summary>What a score must reach to enter; a tie is left to <see cref="Offer"/>.</summary>
    /// <param name="degraded">Whether the miner is; no score lifts a degraded one over a healthy one.</param>
    public double Floor(bool degraded)
    {
        if (Count < _capacity || (!degraded && _items[0].Degraded))
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
        else if (Count < _capacity)
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

namespace PoolHub.Daemon.Matching;

/// <summary>The best K candidates seen so far: a heap with the worst of them on top.</summary>
internal sealed class TopCandidates
{
    private MatchCandidate[] _items = [];
    private int _capacity;

    public int Count { get; private set; }

    public ReadOnlySpan<MatchCandidate> Items => _items.AsSpan(0, Count);

    public void Reset(int capacity)
    {
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
        if (Count < _capacity)
        {
            SiftUp(Count++, in candidate);
        }
        else if (candidate.IsBefore(in _items[0]))
        {
            SiftDown(in candidate, Count);
        }
    }

    /// <summary>Takes one out and keeps the order of the others; only when sorted.</summary>
    public void RemoveAt(int place)
    {
        Array.Copy(_items, place + 1, _items, place, --Count - place);
    }

    /// <summary>Puts the best first. The heap is one no more until it is reset.</summary>
    public void Sort()
    {
        for (int last = Count - 1; last > 0; last--)
        {
            MatchCandidate worst = _items[0];
            MatchCandidate moved = _items[last];
            SiftDown(in moved, last);
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

    /// <summary>Replaces the top of the first <paramref name="count"/> items.</summary>
    private void SiftDown(in MatchCandidate candidate, int count)
    {
        int at = 0;
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

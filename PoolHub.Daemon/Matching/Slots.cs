namespace PoolHub.Daemon.Matching;

/// <summary>
/// Hands out slots. Heartbeats write their columns by slot number and without a lock, so one that is under way while
/// its miner is removed may land after the removal. It does no harm on an empty slot, but would on the slot's next
/// miner. So a freed slot rests until at least 1,024 others were freed after it and 60 seconds have passed: far longer
/// than a heartbeat takes. Only an index at its limit takes a slot back earlier, the longest rested first.
/// </summary>
internal sealed class Slots(TimeProvider time, int limit)
{
    public const int MinResting = 1_024;
    public static readonly TimeSpan MinRest = TimeSpan.FromSeconds(60);

    private readonly Queue<(int Slot, long FreedAt)> _resting = new();
    private int _used;

    public int Take()
    {
        bool mayGrow = _used < limit;
        if (_resting.TryPeek(out (int Slot, long FreedAt) oldest)
            && (!mayGrow || (_resting.Count > MinResting && time.GetElapsedTime(oldest.FreedAt) >= MinRest)))
        {
            _resting.Dequeue();
            return oldest.Slot;
        }
        return mayGrow ? _used++ : throw new InvalidOperationException($"the index is full: it holds {limit} miners");
    }

    public void Free(int slot) => _resting.Enqueue((slot, time.GetTimestamp()));
}

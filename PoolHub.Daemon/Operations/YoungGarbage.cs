namespace PoolHub.Daemon.Operations;

/// <summary>
/// Has what died young collected before it grows old. The collector lets it lie as long as the machine has memory: what a
/// minute of matches leaves is small, but that of an hour need not be resident.
/// </summary>
/// <param name="allocated">Bytes that were allocated since the start.</param>
/// <param name="collect">Collects the young generations.</param>
internal sealed class YoungGarbage(Func<long> allocated, Action collect)
{
    private const int EverySweeps = 10;

    /// <summary>Less than this is not worth that all wait.</summary>
    private const long Worthwhile = 4 << 20;

    private long _collectedAt;
    private int _sweeps;

    /// <summary>With the runtime's own figures.</summary>
    public static YoungGarbage OfRuntime() =>
        new(() => GC.GetTotalAllocatedBytes(), () => GC.Collect(1, GCCollectionMode.Forced, blocking: true));

    public void Sweep()
    {
        if (++_sweeps < EverySweeps)
        {
            return;
        }
        _sweeps = 0;
        long now = allocated();
        if (now - _collectedAt >= Worthwhile)
        {
            _collectedAt = now;
            collect();
        }
    }
}

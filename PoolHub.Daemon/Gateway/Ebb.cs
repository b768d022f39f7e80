namespace PoolHub.Daemon.Gateway;

/// <summary>
/// Gives memory back after a crowd. What its connections have left is garbage, but a hub that is quiet again makes so
/// little of its own that the collector would not look for it for hours.
/// </summary>
/// <param name="gate">Where they came in.</param>
/// <param name="collect">Starts a collection.</param>
internal sealed class Ebb(AcceptGate gate, Action collect)
{
    /// <summary>So many passages: some MB.</summary>
    private const long Crowd = 256;

    /// <summary>The crowd is over when for so many sweeps no more than so many passed in one.</summary>
    private const int QuietSweeps = 5;
    private const long FewInASweep = 20;

    private const long MostInUse = 256 << 20;

    private long _collectedAt;
    private long _lastSweep;
    private int _quietSweeps;

    /// <summary>
    /// Only this kind of collection gives back what it finds free. All wait for it: not worth it where so much is in use
    /// that the crowd's share is small.
    /// </summary>
    public static void CollectGarbage()
    {
        if (GC.GetTotalMemory(forceFullCollection: false) < MostInUse)
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        }
    }

    public void Sweep()
    {
        long passages = gate.Passages;
        _quietSweeps = passages - _lastSweep <= FewInASweep ? _quietSweeps + 1 : 0;
        _lastSweep = passages;
        if (_quietSweeps >= QuietSweeps && passages - _collectedAt >= Crowd)
        {
            _collectedAt = passages;
            collect();
        }
    }
}

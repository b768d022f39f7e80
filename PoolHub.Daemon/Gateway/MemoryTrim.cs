namespace PoolHub.Daemon.Gateway;

/// <summary>
/// Gives memory back after a crowd. What its connections have left is garbage, but a hub that is quiet again makes so
/// little of its own that the collector would not look for it for hours.
/// </summary>
/// <param name="gate">Where they came in.</param>
/// <param name="collect">Starts a collection.</param>
internal sealed class MemoryTrim(AcceptGate gate, Action collect)
{
    /// <summary>So many passages in one sweep are the usual coming and going.</summary>
    private const long Usual = 64;

    /// <summary>So many in others: some MB.</summary>
    private const long Crowd = 256;

    /// <summary>A crowd is over after so many sweeps of the usual.</summary>
    private const int QuietSweeps = 10;

    private const long MostInUse = 256 << 20;

    private long _crowd;
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
        long passed = gate.Passages - _lastSweep;
        _lastSweep += passed;
        if (passed > Usual)
        {
            _crowd += passed;
            _quietSweeps = 0;
        }
        else if (++_quietSweeps >= QuietSweeps && _crowd >= Crowd)
        {
            _crowd = 0;
            collect();
        }
    }
}

namespace PoolHub.Daemon.Registry;

/// <summary>
/// Doubts the loss of many miners at once: when too large a share of the fleet is silent, the hub's own network is the
/// likelier cause, and taking them offline would leave nobody to offer. Heartbeats are spread over time, and so are the
/// ends of their graces: the guard looks at everybody who is silent, not only at those whose grace ends in this sweep.
/// </summary>
internal sealed class MassLossGuard(RegistryOptions options, TimeProvider time)
{
    private long _since;
    private bool _accepted;

    public bool Active { get; private set; }

    /// <summary>An admin says that the loss is real; the next sweep takes the miners offline.</summary>
    public void Accept() => _accepted = true;

    /// <summary>Whether the miners whose grace is over are to be held as degraded in this sweep.</summary>
    /// <param name="due">Miners whose grace is over.</param>
    /// <param name="silent">Miners whose lease is over, those included.</param>
    /// <param name="fleet">Miners in the index.</param>
    public bool Holds(int due, int silent, int fleet, long now)
    {
        bool suspicious = due > 0 && silent >= options.GuardMinMiners && (long)silent * 100 > (long)fleet * options.GuardPercent;
        bool accepted = _accepted;
        _accepted = false;
        if (!suspicious || accepted || options.GuardSec == 0)
        {
            Active = false;
            return false;
        }
        if (!Active)
        {
            Active = true;
            _since = now;
        }
        else if (time.GetElapsedTime(_since, now).TotalSeconds >= options.GuardSec)
        {
            Active = false;
        }
        return Active;
    }
}

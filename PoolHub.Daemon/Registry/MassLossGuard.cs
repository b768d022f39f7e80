namespace PoolHub.Daemon.Registry;

/// <summary>
/// Doubts the loss of many miners at once: when too large a share of the fleet is silent, the hub's own network is the
/// likelier cause, and taking them offline would leave nobody to offer. Heartbeats are spread over time, and so are the
/// ends of their graces: the guard looks at everybody who is silent, not only at those whose grace ends in this sweep.
/// A loss that was accepted, or doubted for long enough, is likewise that of everybody who was silent then.
/// </summary>
internal sealed class MassLossGuard(RegistryOptions options, TimeProvider time)
{
    /// <summary>Of the leases, which keep theirs until a restart.</summary>
    private readonly int _graceSec = options.GraceSec;
    private volatile bool _active;
    private volatile bool _accepted;
    private volatile int _held;
    private long _since;

    /// <summary>When the loss was believed; null when none is.</summary>
    private long? _believedAt;

    /// <summary>Its limits, which may change while the hub runs.</summary>
    public RegistryOptions Options { get; set; } = options;

    public bool Active => _active;

    /// <summary>Miners that it kept from going offline in the last sweep.</summary>
    public int Held => _held;

    /// <summary>
    /// An admin says that the loss is real: the next sweep takes the miners offline, and those that follow take the rest
    /// of the silent. Means nothing while the guard is not active.
    /// </summary>
    public void Accept() => _accepted = _active;

    /// <summary>
    /// Whether the miners whose grace is over are to be held as degraded in this sweep. Called by one thread at a time.
    /// </summary>
    /// <param name="due">Miners whose grace is over.</param>
    /// <param name="silent">Miners whose lease is over, those included.</param>
    /// <param name="fleet">Miners in the index.</param>
    /// <param name="now">The sweep's timestamp.</param>
    public bool Holds(int due, int silent, int fleet, long now)
    {
        bool holds = Doubts(due, silent, fleet, now);
        _accepted = false;
        _active = holds;
        _held = holds ? due : 0;
        return holds;
    }

    private bool Doubts(int due, int silent, int fleet, long now)
    {
        bool suspicious = silent >= Options.GuardMinMiners && (long)silent * 100 > (long)fleet * Options.GuardPercent;
        if (!suspicious || Options.GuardSec == 0)
        {
            _believedAt = null;
            return false;
        }
        if (_believedAt is { } at)
        {
            // By then everybody who was silent has come back or gone: who is silent now is another loss.
            if (time.GetElapsedTime(at, now).TotalSeconds < _graceSec)
            {
                return false;
            }
            _believedAt = null;
        }
        if (!_active)
        {
            _since = now;
            return due > 0;
        }
        if (_accepted || time.GetElapsedTime(_since, now).TotalSeconds >= Options.GuardSec)
        {
            _believedAt = now;
            return false;
        }
        return true;
    }
}

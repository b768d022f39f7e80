using PoolHub.Daemon.Registry;

namespace PoolHub.Tests.Registry;

/// <summary>The states of one miner as the design tells them, without columns, locks or guards. Times in seconds.</summary>
internal sealed class ReferenceMiner(int leaseSec, int graceSec)
{
    private double _heardAt;
    private bool _dropped;
    private bool _registered;

    /// <summary>Null until its first session; a goodbye ends it.</summary>
    public long? Session { get; private set; }

    public LeaseState State { get; private set; }

    public void Begin(long session) => Session = session;

    public void Register(double now)
    {
        _registered = true;
        Speak(now);
    }

    public void Speak(double now)
    {
        if (Session is not null && _registered)
        {
            (_heardAt, _dropped, State) = (now, false, LeaseState.Online);
        }
    }

    public void Drop()
    {
        if (Session is not null)
        {
            _dropped = true;
            State = State == LeaseState.Offline ? LeaseState.Offline : LeaseState.Degraded;
        }
    }

    public void Leave()
    {
        if (Session is not null)
        {
            (Session, State) = (null, LeaseState.Offline);
        }
    }

    public void Sweep(double now)
    {
        double silentSec = now - _heardAt;
        if (State != LeaseState.Offline)
        {
            State = silentSec >= graceSec ? LeaseState.Offline
                : silentSec >= leaseSec || _dropped ? LeaseState.Degraded
                : LeaseState.Online;
        }
    }
}

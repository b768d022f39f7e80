using PoolHub.Daemon.Registry;

namespace PoolHub.Tests.Registry;

/// <summary>The states of one miner as the design tells them, without columns, locks or guards. Times in seconds.</summary>
internal sealed class ReferenceMiner(int leaseSec, int graceSec)
{
    private double _heardAt;
    private bool _dropped;

    /// <summary>Null until its first session; a goodbye ends it.</summary>
    public long? Session { get; private set; }

    public LeaseState State { get; private set; }

    /// <summary>Whether its session may speak.</summary>
    public bool IsRegistered { get; private set; }

    /// <summary>What the session before offered is degraded until this one registers.</summary>
    public void Begin(long session)
    {
        (Session, IsRegistered, _dropped) = (session, false, true);
        State = State == LeaseState.Offline ? LeaseState.Offline : LeaseState.Degraded;
    }

    public void Register(double now)
    {
        IsRegistered = true;
        Speak(now);
    }

    public void Speak(double now)
    {
        if (Session is not null && IsRegistered)
        {
            (_heardAt, _dropped, State) = (now, false, LeaseState.Online);
        }
    }

    public void Drop()
    {
        if (Session is not null)
        {
            _dropped = true;
            State = State == LeaseState.Offline || !IsRegistered ? LeaseState.Offline : LeaseState.Degraded;
        }
    }

    public void Leave()
    {
        if (Session is not null)
        {
            (Session, IsRegistered, State) = (null, false, LeaseState.Offline);
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

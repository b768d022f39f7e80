namespace PoolHub.Daemon.Registry;

/// <summary>
/// When the hub wants the next heartbeat: a quarter of the lease, up to half of it when the hub is busy, with jitter so
/// that a fleet that came at once does not stay in step.
/// </summary>
internal sealed class HeartbeatPace(RegistryOptions options)
{
    private const double JitterShare = 0.2;

    /// <summary>1 when the hub is at ease, up to 2 when its sweep runs late.</summary>
    private double _stretch = 1;

    /// <summary>Told by the sweep how late it was; the stretch follows slowly.</summary>
    public void Observe(TimeSpan lateness)
    {
        double wanted = 1 + Math.Clamp(lateness.TotalSeconds, 0, 1);
        Volatile.Write(ref _stretch, Volatile.Read(ref _stretch) + ((wanted - Volatile.Read(ref _stretch)) / 8));
    }

    public int NextSec()
    {
        double jitter = 1 + ((Random.Shared.NextDouble() - 0.5) * JitterShare);
        return Math.Clamp((int)Math.Round(options.LeaseTtlSec / 4.0 * Volatile.Read(ref _stretch) * jitter), 1, Math.Max(1, options.LeaseTtlSec / 2));
    }
}

using PoolHub.Daemon.Registry;
using PoolHub.Daemon.Trust;
using Prometheus;

namespace PoolHub.Daemon.Sessions;

/// <summary>What the sweep sees.</summary>
internal sealed class SweepMetrics(IMetricFactory factory, SessionMetrics sessions)
{
    private readonly Gauge _online = factory.CreateGauge("poolhub_miners_online", "Miners whose lease runs.");
    private readonly Gauge _miners = factory.CreateGauge("poolhub_miners", "Miners that have registered, by lease state.", ["state"]);
    private readonly Gauge _guard = factory.CreateGauge("poolhub_mass_loss_guard", "1 while the hub suspects its own network.");
    private readonly Gauge _ejected = factory.CreateGauge("poolhub_ejected_miners", "Miners that are ejected for failing.");
    private readonly Histogram _sweep = factory.CreateHistogram("poolhub_sweep_ms", "Time that one sweep took.", new HistogramConfiguration
    {
        Buckets = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 1000],
    });

    public void Swept(MinerRegistry registry, SessionTable table, TrustBook trust, TimeSpan took)
    {
        _online.Set(registry.OnlineCount);
        _miners.WithLabels(LeaseState.Online.Name()).Set(registry.OnlineCount);
        _miners.WithLabels(LeaseState.Degraded.Name()).Set(registry.DegradedCount);
        _miners.WithLabels(LeaseState.Offline.Name()).Set(Math.Max(0, registry.Known - registry.OnlineCount - registry.DegradedCount));
        _guard.Set(registry.Guard.Active ? 1 : 0);
        _ejected.Set(trust.EjectedCount);
        Span<int> byTransport = stackalloc int[3];
        table.CountByTransport(byTransport);
        sessions.SetSessions(byTransport);
        _sweep.Observe(took.TotalMilliseconds);
    }
}

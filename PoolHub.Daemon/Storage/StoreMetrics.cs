using Prometheus;

namespace PoolHub.Daemon.Storage;

internal static class StoreMetrics
{
    /// <summary>Read from the store whenever the metrics are.</summary>
    public static void Export(IHubStore store, TimeProvider time, IMetricFactory metrics, CollectorRegistry collectors)
    {
        Counter commits = metrics.CreateCounter("poolhub_store_commits_total", "Transactions committed.");
        Counter writes = metrics.CreateCounter("poolhub_store_writes_total", "Writes made durable; a miner's status counts as one.");
        Gauge waiting = metrics.CreateGauge("poolhub_store_waiting", "Writes that wait for their transaction.");
        Gauge spooled = metrics.CreateGauge("poolhub_store_spool_entries", "Entries in the spool that wait for the database.");
        Gauge age = metrics.CreateGauge("poolhub_store_spool_age_seconds", "Age of the oldest of them; 0 when there is none.");
        Gauge trouble = metrics.CreateGauge("poolhub_store_trouble", "1 while the store makes nothing durable.");
        collectors.AddBeforeCollectCallback(() =>
        {
            StoreFigures now = store.Figures;
            commits.IncTo(now.Commits);
            writes.IncTo(now.Writes);
            waiting.Set(now.Waiting);
            spooled.Set(now.Spooled);
            age.Set(now.SpooledSince is { } since ? Math.Max(0, (time.GetUtcNow() - since).TotalSeconds) : 0);
            trouble.Set(now.Trouble is null ? 0 : 1);
        });
    }
}

using Prometheus;

namespace PoolHub.Daemon.Storage;

internal static class StoreMetrics
{
    /// <summary>Read from the store whenever the metrics are.</summary>
    public static void Export(SqliteHubStore store, IMetricFactory metrics, CollectorRegistry collectors)
    {
        Counter commits = metrics.CreateCounter("poolhub_store_commits_total", "Transactions committed.");
        Counter writes = metrics.CreateCounter("poolhub_store_writes_total", "Writes made durable; a miner's status counts as one.");
        Gauge waiting = metrics.CreateGauge("poolhub_store_waiting", "Writes that wait for their transaction.");
        collectors.AddBeforeCollectCallback(() =>
        {
            commits.IncTo(store.Commits);
            writes.IncTo(store.Writes);
            waiting.Set(store.Waiting);
        });
    }
}

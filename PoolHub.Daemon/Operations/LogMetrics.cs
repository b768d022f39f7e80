using Prometheus;

namespace PoolHub.Daemon.Operations;

internal static class LogMetrics
{
    /// <summary>Read from the log whenever the metrics are; it is null where a hub logs elsewhere.</summary>
    public static void Export(QueuedLog? log, IMetricFactory metrics, CollectorRegistry collectors)
    {
        Counter dropped = metrics.CreateCounter("poolhub_log_dropped_total", "Lines of the log that were dropped, since who reads it is too slow.");
        collectors.AddBeforeCollectCallback(() => dropped.IncTo(log?.Dropped ?? 0));
    }
}

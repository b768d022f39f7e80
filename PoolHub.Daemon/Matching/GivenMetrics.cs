using Prometheus;

namespace PoolHub.Daemon.Matching;

internal static class GivenMetrics
{
    public static void Export(GivenFilter given, TimeProvider time, IMetricFactory metrics, CollectorRegistry collectors)
    {
        Gauge known = metrics.CreateGauge("poolhub_matches_known_seconds", "How far back the hub knows which miners matches gave.");
        collectors.AddBeforeCollectCallback(() => known.Set(Math.Max(0, (time.GetUtcNow() - given.KnownSince).TotalSeconds)));
    }
}

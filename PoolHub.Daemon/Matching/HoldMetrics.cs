using Prometheus;

namespace PoolHub.Daemon.Matching;

internal static class HoldMetrics
{
    /// <summary>Read from the book whenever the metrics are.</summary>
    public static void Export(HoldBook holds, IMetricFactory metrics, CollectorRegistry collectors)
    {
        Gauge live = metrics.CreateGauge("poolhub_holds", "Slots held.");
        Counter ended = metrics.CreateCounter("poolhub_holds_ended_total", "Holds that have ended, by how they did.", ["reason"]);
        (HoldEnd Reason, Counter.Child Counter)[] reasons =
            [.. Enum.GetValues<HoldEnd>().Select(reason => (reason, ended.WithLabels(reason.Name())))];
        collectors.AddBeforeCollectCallback(() =>
        {
            holds.EndExpired();
            live.Set(holds.Live);
            foreach ((HoldEnd reason, Counter.Child counter) in reasons)
            {
                counter.IncTo(holds.Ended(reason));
            }
        });
    }
}

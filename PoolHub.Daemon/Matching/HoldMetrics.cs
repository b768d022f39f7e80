using PoolHub.Daemon.Access;
using Prometheus;

namespace PoolHub.Daemon.Matching;

internal static class HoldMetrics
{
    /// <summary>Read from the book whenever the metrics are.</summary>
    public static void Export(HoldBook holds, Coordinators coordinators, IMetricFactory metrics, CollectorRegistry collectors)
    {
        Gauge live = metrics.CreateGauge("poolhub_holds", "Slots held.");
        Gauge own = metrics.CreateGauge("poolhub_coordinator_holds", "Slots that a coordinator holds.", ["coordinator"]);
        Counter ended = metrics.CreateCounter("poolhub_holds_ended_total", "Holds that have ended, by how they did.", ["reason"]);
        (HoldEnd Reason, Counter.Child Counter)[] reasons =
            [.. Enum.GetValues<HoldEnd>().Select(reason => (reason, ended.WithLabels(reason.Name())))];
        collectors.AddBeforeCollectCallback(() =>
        {
            holds.EndAllExpired();
            live.Set(holds.Live);
            string[] gone = [.. own.GetAllLabelValues().Select(labels => labels[0]).Except(coordinators.All.Select(c => c.Name))];
            Array.ForEach(gone, name => own.RemoveLabelled(name));
            foreach (Coordinator coordinator in coordinators.All)
            {
                own.WithLabels(coordinator.Name).Set(holds.HeldBy(coordinator.Tag));
            }
            foreach ((HoldEnd reason, Counter.Child counter) in reasons)
            {
                counter.IncTo(holds.Ended(reason));
            }
        });
    }
}

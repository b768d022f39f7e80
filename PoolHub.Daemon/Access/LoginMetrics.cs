using Prometheus;

namespace PoolHub.Daemon.Access;

internal static class LoginMetrics
{
    public static void Export(LoginGuard guard, IMetricFactory factory, CollectorRegistry collectors)
    {
        Counter failures = factory.CreateCounter("poolhub_login_failures_total", "Wrong keys, secrets and certificates.", ["of"]);
        Counter.Child miners = failures.WithLabels("miner");
        Counter.Child callers = failures.WithLabels("caller");
        guard.Failing = ofMiner => (ofMiner ? miners : callers).Inc();
        Gauge bans = factory.CreateGauge("poolhub_bans", "Addresses and miner ids that are banned now for failed logins.");
        collectors.AddBeforeCollectCallback(() => bans.Set(guard.BannedCount));
    }
}

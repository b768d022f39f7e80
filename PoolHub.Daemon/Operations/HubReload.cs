using PoolHub.Daemon.Access;
using PoolHub.Daemon.Matching;
using PoolHub.Daemon.Registry;
using PoolHub.Daemon.Trust;

namespace PoolHub.Daemon.Operations;

/// <summary>Takes new settings over while the hub runs, without dropping a connection; the rest need a restart.</summary>
internal sealed class HubReload(
    HubSettings running, LogLevelSwitch level, QueryReader queries, Credentials credentials, TrustModel trust, MinerRegistry registry)
{
    /// <summary>Names of settings that have changed and wait for a restart.</summary>
    /// <exception cref="IOException">A secret of the hub's own could not be kept; nothing was taken over.</exception>
    /// <exception cref="UnauthorizedAccessException">Likewise.</exception>
    public IReadOnlyList<string> Apply(HubSettings settings)
    {
        // First, since it is the one that can fail.
        credentials.Reload(settings.Access, running.StateDir);
        level.Set(settings.LogLevel);
        queries.Reload(settings.Match);
        trust.FailCodesNotMiner = settings.Trust.FailCodesNotMiner;
        registry.Reload(settings.Registry);

        List<string> waiting = [];
        void Note(string name, bool changed)
        {
            if (changed)
            {
                waiting.Add(name);
            }
        }
        Note("POOLHUB_BIND", !settings.Gateway.Bind.Equals(running.Gateway.Bind));
        Note("POOLHUB_PORT", settings.Gateway.Port != running.Gateway.Port);
        Note("POOLHUB_MINER_PORT", settings.Gateway.MinerPort != running.Gateway.MinerPort);
        Note("POOLHUB_STATE_DIR", settings.StateDir != running.StateDir);
        Note("ENROLLMENT", settings.Access.OpenEnrollment != running.Access.OpenEnrollment);
        Note("SESSION_TTL_SEC", settings.Registry.LeaseTtlSec != running.Registry.LeaseTtlSec);
        Note("HEARTBEAT_GRACE_SEC", settings.Registry.GraceSec != running.Registry.GraceSec);
        Note("DB_DSN", settings.Storage.Postgres?.ConnectionString != running.Storage.Postgres?.ConnectionString);
        Note("FEEDBACK_RETENTION_DAYS", settings.Storage.FeedbackRetentionDays != running.Storage.FeedbackRetentionDays);
        return waiting;
    }
}

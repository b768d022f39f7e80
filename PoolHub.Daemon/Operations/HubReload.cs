using PoolHub.Daemon.Access;
using PoolHub.Daemon.Gateway;
using PoolHub.Daemon.Matching;
using PoolHub.Daemon.Registry;
using PoolHub.Daemon.Sessions;
using PoolHub.Daemon.Trust;

namespace PoolHub.Daemon.Operations;

/// <summary>Reads the settings anew: null, and what is wrong with them.</summary>
internal delegate HubSettings? ReadHubSettings(out IReadOnlyList<string> problems);

/// <summary>Who lets in, and takes new limits and certificates over.</summary>
internal sealed record Doorkeepers(Tls Tls, AcceptGate Gate, LoginGuard Guard, Conversations Conversations);

/// <summary>Takes new settings over while the hub runs, without dropping a connection; the rest need a restart.</summary>
internal sealed class HubReload(
    HubSettings running, LogLevelSwitch level, QueryReader queries, Credentials credentials, HoldBook holds, TrustModel trust, MinerRegistry registry,
    Doorkeepers doors, ILogger<HubReload> log)
{
    private readonly Lock _gate = new();

    /// <summary>Gives what is wrong: then all old settings stay. It is in the log, too.</summary>
    public IReadOnlyList<string> Run(ReadHubSettings read)
    {
        lock (_gate)
        {
            IReadOnlyList<string> problems = TakeOver(read);
            foreach (string problem in problems)
            {
                ProgramLog.ReloadRefused(log, problem);
            }
            return problems;
        }
    }

    private IReadOnlyList<string> TakeOver(ReadHubSettings read)
    {
        if (read(out IReadOnlyList<string> problems) is not { } settings)
        {
            return problems;
        }
        try
        {
            // First, since it is the one that can fail.
            credentials.Reload(settings.Access, running.StateDir);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [e.Message];
        }
        level.Set(settings.LogLevel);
        queries.Reload(settings.Match);
        holds.Share = new HoldShare(settings.Access.HoldSharePercent);
        trust.FailCodesNotMiner = settings.Trust.FailCodesNotMiner;
        registry.Reload(settings.Registry);
        doors.Tls.Reload(settings.Tls);
        doors.Gate.Reload(settings.Gate);
        doors.Guard.Reload(settings.Login);
        doors.Conversations.Reload(settings.Inflow);
        foreach (string name in NeedingRestart(settings))
        {
            ProgramLog.NeedsRestart(log, name);
        }
        ProgramLog.Reloaded(log);
        return [];
    }

    /// <summary>Settings that have changed and count from the next start.</summary>
    private IEnumerable<string> NeedingRestart(HubSettings settings)
    {
        (string Name, bool Changed)[] all =
        [
            ("POOLHUB_BIND", !settings.Gateway.Bind.Equals(running.Gateway.Bind)),
            ("POOLHUB_PORT", settings.Gateway.Port != running.Gateway.Port),
            ("POOLHUB_MINER_PORT", settings.Gateway.MinerPort != running.Gateway.MinerPort),
            ("POOLHUB_STATE_DIR", settings.StateDir != running.StateDir),
            ("TRUSTED_PROXIES", !settings.Gateway.Proxies.Networks.AsSpan().SequenceEqual(running.Gateway.Proxies.Networks)),
            ("PROXY_PROTOCOL", settings.Gateway.Proxies.ProxyProtocol != running.Gateway.Proxies.ProxyProtocol),
            ("TLS_CERT", settings.Tls.Certificate is null != running.Tls.Certificate is null),
            ("ENROLLMENT", settings.Access.OpenEnrollment != running.Access.OpenEnrollment),
            ("SESSION_TTL_SEC", settings.Registry.LeaseTtlSec != running.Registry.LeaseTtlSec),
            ("HEARTBEAT_GRACE_SEC", settings.Registry.GraceSec != running.Registry.GraceSec),
            ("DEBUG_STUCK_SWEEP_SEC", settings.Registry.StuckSweepSec != running.Registry.StuckSweepSec),
            ("DB_DSN", settings.Storage.Postgres?.ConnectionString != running.Storage.Postgres?.ConnectionString),
            ("FEEDBACK_RETENTION_DAYS", settings.Storage.FeedbackRetentionDays != running.Storage.FeedbackRetentionDays),
            ("AUDIT_RETENTION_DAYS", settings.Storage.AuditRetentionDays != running.Storage.AuditRetentionDays),
        ];
        return all.Where(s => s.Changed).Select(s => s.Name);
    }
}

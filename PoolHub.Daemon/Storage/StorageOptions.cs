using PoolHub.Daemon.Settings;
using PoolHub.Daemon.Storage.Postgres;

namespace PoolHub.Daemon.Storage;

/// <param name="Postgres">The database of record; null for the SQLite file in the state directory.</param>
/// <param name="FeedbackRetentionDays">Older feedback is removed; 0 keeps all of it.</param>
/// <param name="AuditRetentionDays">Likewise, of the audit log.</param>
internal sealed record StorageOptions(PostgresDsn? Postgres = null, int FeedbackRetentionDays = 90, int AuditRetentionDays = 400)
{
    public static StorageOptions Read(SettingsReader settings)
    {
        PostgresDsn? dsn = null;
        if (settings.Text("DB_DSN") is { } text && !PostgresDsn.TryParse(text, out dsn, out string? problem))
        {
            settings.Fail("DB_DSN", problem);
        }
        return new StorageOptions(
            dsn, settings.Int32("FEEDBACK_RETENTION_DAYS", 90, 0, 36_500), settings.Int32("AUDIT_RETENTION_DAYS", 400, 0, 36_500));
    }
}

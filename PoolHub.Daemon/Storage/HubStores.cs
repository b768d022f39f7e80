using PoolHub.Daemon.Storage.Spool;

namespace PoolHub.Daemon.Storage;

/// <summary>The store that the settings name.</summary>
internal static class HubStores
{
    /// <exception cref="StoreRefusedException">It cannot be used; the message says what to do.</exception>
    public static async Task<IHubStore> OpenAsync(StorageOptions options, string stateDir, TimeProvider time, ILoggerFactory logs)
    {
        if (options.Postgres is { } dsn)
        {
            return await SpooledStore.OpenAsync(dsn, stateDir, time, logs.CreateLogger<PostgresHubStore>());
        }
        if (SpoolFile.WaitsIn(stateDir))
        {
            throw new StoreRefusedException(
                $"{Path.Combine(stateDir, SpoolFile.Name)} holds what was reported while PostgreSQL was away. Start once with the DB_DSN of "
                + "that time to deliver it, or move it away.");
        }
        return SqliteHubStore.Open(stateDir, time, logs.CreateLogger<SqliteHubStore>());
    }
}

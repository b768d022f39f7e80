using System.Globalization;
using PoolHub.Daemon.Operations;
using PoolHub.Daemon.Settings;
using PoolHub.Daemon.Storage;
using PoolHub.Daemon.Storage.Postgres;
using PoolHub.Daemon.Storage.Spool;
using PoolHub.Daemon.Storage.Sqlite;

namespace PoolHub.Daemon;

/// <summary>What the program does with the store alone: nothing listens meanwhile.</summary>
internal static class StoreTasks
{
    /// <summary>Says how far it is as lines of <c>progress DONE TOTAL</c>, and at last what was done.</summary>
    /// <exception cref="StoreRefusedException">The store or the file cannot be used.</exception>
    /// <exception cref="StoreUnavailableException">The database is away.</exception>
    /// <exception cref="IOException">The file cannot be read or written.</exception>
    public static async Task RunAsync(CommandLine line, HubSettings settings, TextWriter output, ILoggerFactory logs)
    {
        if (line.Action == CommandAction.MigrateOnly && settings.Storage.Postgres is { } dsn)
        {
            int version = await PostgresHubStore.MigrateAsync(dsn, logs.CreateLogger<PostgresHubStore>());
            await output.WriteLineAsync($"{dsn} has schema version {version}");
            return;
        }
        await using IHubStore store = settings.Storage.Postgres is { } postgres
            ? await PostgresHubStore.OpenAsync(postgres, TimeProvider.System, logs.CreateLogger<PostgresHubStore>(), patient: false)
            : SqliteHubStore.Open(settings.StateDir, TimeProvider.System, logs.CreateLogger<SqliteHubStore>());
        if (line.Action == CommandAction.MigrateOnly)
        {
            await output.WriteLineAsync($"the database in {settings.StateDir} has schema version {SqliteMigrations.Newest}");
            return;
        }
        if (line.Action == CommandAction.Export)
        {
            if (SpoolFile.WaitsIn(settings.StateDir))
            {
                throw new StoreRefusedException($"{settings.StateDir} holds a spool that is not delivered yet: start the hub, wait until it is, and stop it.");
            }
            ArchiveEnd done = await StoreArchive.ExportAsync((IStoreArchive)store, line.ArchivePath!, Progress, CancellationToken.None);
            await output.WriteLineAsync($"exported {done.Miners} miners, {done.Feedback} reports of feedback and {done.Audit} audit entries to {line.ArchivePath}");
        }
        else
        {
            (ArchiveEnd done, long leftOut) = await StoreArchive.ImportAsync((IStoreArchive)store, line.ArchivePath!, Progress, CancellationToken.None);
            await output.WriteLineAsync($"imported {done.Miners} miners, {done.Feedback} reports of feedback and {done.Audit} audit entries from {line.ArchivePath}");
            if (leftOut > 0)
            {
                await output.WriteLineAsync($"left out {leftOut} reports of miners that are not in the file");
            }
        }
        void Progress(long done, long total) => output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"progress {done} {total}"));
    }
}

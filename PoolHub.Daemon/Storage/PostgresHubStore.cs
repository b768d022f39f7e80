using System.Runtime.CompilerServices;
using Npgsql;
using NpgsqlTypes;
using PoolHub.Daemon.Storage.Postgres;
using PoolHub.Protocol;

namespace PoolHub.Daemon.Storage;

/// <summary>The store in a PostgreSQL database, schema <c>poolhub</c>; one daemon at a time.</summary>
internal sealed class PostgresHubStore : IHubStore, IStoreArchive
{
    private static readonly TimeSpan s_startInterval = TimeSpan.FromSeconds(1);

    private readonly PostgresDatabase _database;
    private readonly PostgresWriter _writer;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private bool _closed;

    private PostgresHubStore(PostgresDatabase database, PostgresWriter writer, TimeProvider time, ILogger log) =>
        (_database, _writer, _time, _log) = (database, writer, time, log);

    public StoreFigures Figures => _writer.Figures;

    public bool IsAway => _writer.IsAway;

    /// <summary>
    /// Connects, brings the schema to the newest version and takes the database for this daemon. A database that cannot be
    /// reached is waited for; one that will never do fails with <see cref="StoreRefusedException"/>, whose message says what
    /// to do.
    /// </summary>
    /// <param name="patient">False fails with <see cref="StoreAwayException"/> in place of waiting.</param>
    public static async Task<PostgresHubStore> OpenAsync(
        PostgresDsn dsn, TimeProvider time, ILogger<PostgresHubStore> log, bool patient = true, CancellationToken cancel = default)
    {
#pragma warning disable CA2000 // The store that is returned owns them.
        var database = new PostgresDatabase(dsn);
        try
        {
            for (bool told = false; ; told = true)
            {
                try
                {
                    await MigrateAsync(database, log, cancel);
                    NpgsqlConnection owner = await database.OpenAsOwnerAsync(patient: true, cancel);
                    StorageLog.Opened(log, dsn.ToString(), PostgresMigrations.Newest);
                    return new PostgresHubStore(database, new PostgresWriter(new PostgresLink(database, owner, time, log), log), time, log);
#pragma warning restore CA2000
                }
                catch (StoreAwayException e) when (patient)
                {
                    if (!told)
                    {
                        StorageLog.WaitsForDatabase(log, e.Message);
                    }
                    await Task.Delay(s_startInterval, cancel);
                }
            }
        }
        catch
        {
            await database.DisposeAsync();
            throw;
        }
    }

    /// <summary>Brings the schema to the newest version and leaves; returns that version.</summary>
    /// <exception cref="StoreAwayException">It cannot be reached now.</exception>
    /// <exception cref="StoreRefusedException">It is newer, or may not be written.</exception>
    public static async Task<int> MigrateAsync(PostgresDsn dsn, ILogger<PostgresHubStore> log)
    {
        await using var database = new PostgresDatabase(dsn);
        await MigrateAsync(database, log, CancellationToken.None);
        return PostgresMigrations.Newest;
    }

    public async Task<IReadOnlyList<StoredMiner>> LoadAsync(CancellationToken cancel)
    {
        long start = _time.GetTimestamp();
        List<StoredMiner> miners = [];
        var rows = new PostgresRows();
        await foreach (NpgsqlDataReader row in ReadAsync(PostgresRows.Miners, cancel))
        {
            miners.Add(rows.ReadMiner(row));
        }
        StorageLog.Loaded(_log, miners.Count, _time.GetElapsedTime(start).TotalMilliseconds);
        return miners;
    }

    public Task SaveRegistrationAsync(string minerId, MinerProfile profile, long epoch, StoredKeys? claim, DateTimeOffset at) =>
        _writer.Write(new RegistrationWrite(minerId, profile, epoch, claim, at)).Task;

    public Task SaveKeysAsync(string minerId, StoredKeys keys, DateTimeOffset at, AuditEntry? audit = null) =>
        _writer.Write(new KeysWrite(minerId, keys, at, audit)).Task;

    public Task SaveEpochAsync(string minerId, long epoch) => _writer.Write(new EpochWrite(minerId, epoch)).Task;

    public Task SaveDrainingAsync(string minerId, bool draining, AuditEntry? audit = null) =>
        _writer.Write(new DrainingWrite(minerId, draining, audit)).Task;

    public Task SavePriceOverrideAsync(string minerId, PriceOverride? price, DateTimeOffset at, AuditEntry? audit = null) =>
        _writer.Write(new PriceWrite(minerId, price, at, audit)).Task;

    public Task SaveAuditAsync(AuditEntry entry) => _writer.Write(new AuditWrite(entry)).Task;

    public Task<IReadOnlyList<AuditEntry>> ReadAuditAsync(string? minerId, long before, int limit, CancellationToken cancel) =>
        ReadPageAsync(PostgresRows.AuditPage, minerId, before, limit, PostgresRows.ReadAudit, cancel);

    public Task<IReadOnlyList<FeedbackRow>> ReadFeedbackAsync(string minerId, long before, int limit, CancellationToken cancel) => ReadPageAsync(
        PostgresRows.FeedbackPage, minerId, before, limit, row => new FeedbackRow(row.GetInt64(9), PostgresRows.ReadFeedback(row)), cancel);

    private Task<IReadOnlyList<T>> ReadPageAsync<T>(
        string sql, string? minerId, long before, int limit, Func<NpgsqlDataReader, T> read, CancellationToken cancel) =>
        AskAsync<IReadOnlyList<T>>(
            sql,
            async command =>
            {
                _ = command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = before });
                _ = command.Parameters.Add(new NpgsqlParameter<string?> { TypedValue = minerId, NpgsqlDbType = NpgsqlDbType.Text });
                _ = command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit });
                await using NpgsqlDataReader row = await command.ExecuteReaderAsync(cancel);
                List<T> page = [];
                while (await row.ReadAsync(cancel))
                {
                    page.Add(read(row));
                }
                return page;
            },
            cancel);

    public Task<FeedbackReceipt> RecordFeedbackAsync(StoredFeedback feedback, Func<TrustState, TrustState> learn) =>
        _writer.Write(new FeedbackWrite(feedback, learn)).ReceiptAsync();

    public Task ResetTrustAsync(string minerId, Action forget, AuditEntry audit) =>
        _writer.Write(new TrustResetWrite(minerId, forget, audit)).Task;

    public Task SaveStatusesAsync(IReadOnlyList<StoredStatus> batch)
    {
        if (batch.Count == 0)
        {
            return Task.CompletedTask;
        }
        // Neighbours of the index share a page.
        StoredStatus[] rows = [.. batch];
        Array.Sort(rows, static (a, b) => string.CompareOrdinal(a.MinerId, b.MinerId));
        return _writer.Write(new StatusesWrite(rows)).Task;
    }

    // Rows are as old as their ids, but for those that a spool held back. It needs no index on the time.
    public Task<int> ForgetFeedbackAsync(DateTimeOffset before, int limit) => ForgetAsync(
        """
        DELETE FROM poolhub.feedback WHERE id IN (
          SELECT id FROM (SELECT id, created_at FROM poolhub.feedback ORDER BY id LIMIT $2) oldest WHERE created_at < $1)
        """,
        before,
        limit);

    public Task<int> ForgetAuditAsync(DateTimeOffset before, int limit) => ForgetAsync(
        "DELETE FROM poolhub.audit WHERE id IN (SELECT id FROM (SELECT id, at FROM poolhub.audit ORDER BY id LIMIT $2) oldest WHERE at < $1)",
        before,
        limit);

    private Task<int> ForgetAsync(string sql, DateTimeOffset before, int limit) => AskAsync(
        sql,
        command =>
        {
            _ = command.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = before.UtcDateTime });
            _ = command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit });
            return command.ExecuteNonQueryAsync();
        },
        CancellationToken.None);

    /// <summary>On a connection beside the writer's.</summary>
    private async Task<T> AskAsync<T>(string sql, Func<NpgsqlCommand, Task<T>> ask, CancellationToken cancel)
    {
        try
        {
            await using NpgsqlConnection connection = await _database.OpenAsync(cancel);
            // Only ever called with constants.
#pragma warning disable CA2100
            await using var command = new NpgsqlCommand(sql, connection);
#pragma warning restore CA2100
            return await ask(command);
        }
        catch (Exception e) when (PostgresDatabase.IsAway(e))
        {
            throw _database.Away(e);
        }
        catch (PostgresException e)
        {
            throw new StoreUnavailableException($"{_database.Dsn} refused: {e.MessageText}", e);
        }
    }

    public Task<long> CountFeedbackAsync(CancellationToken cancel) => CountAsync("SELECT count(*) FROM poolhub.feedback", cancel);

    public Task<long> CountAuditAsync(CancellationToken cancel) => CountAsync("SELECT count(*) FROM poolhub.audit", cancel);

    public async IAsyncEnumerable<AuditEntry> ReadAuditAsync([EnumeratorCancellation] CancellationToken cancel)
    {
        await foreach (NpgsqlDataReader row in ReadAsync(PostgresRows.Audit, cancel))
        {
            yield return PostgresRows.ReadAudit(row);
        }
    }

    public async IAsyncEnumerable<StoredFeedback> ReadFeedbackAsync([EnumeratorCancellation] CancellationToken cancel)
    {
        await foreach (NpgsqlDataReader row in ReadAsync(PostgresRows.Feedback, cancel))
        {
            yield return PostgresRows.ReadFeedback(row);
        }
    }

    public Task<ArchiveEnd> ImportAsync(IEnumerable<ArchiveBatch> batches) => PostgresImport.WriteAsync(_database, batches);

    /// <summary>Makes durable what was accepted, then gives the database free.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_closed)
        {
            _closed = true;
            await _writer.DisposeAsync();
            await _database.DisposeAsync();
        }
    }

    private async Task<long> CountAsync(string sql, CancellationToken cancel)
    {
        await using NpgsqlConnection connection = await _database.OpenAsync(cancel);
        // Only ever called with the two above.
#pragma warning disable CA2100
        await using var command = new NpgsqlCommand(sql, connection);
#pragma warning restore CA2100
        return (long)(await _database.AskAsync(() => command.ExecuteScalarAsync(cancel)))!;
    }

    private async IAsyncEnumerable<NpgsqlDataReader> ReadAsync(string sql, [EnumeratorCancellation] CancellationToken cancel)
    {
        await using NpgsqlConnection connection = await _database.OpenAsync(cancel);
        // Only ever called with the constants of PostgresRows. A large table takes longer than a statement that writes.
#pragma warning disable CA2100
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
#pragma warning restore CA2100
        await using NpgsqlDataReader reader = await _database.AskAsync(() => command.ExecuteReaderAsync(cancel));
        Func<Task<bool>> next = () => reader.ReadAsync(cancel);
        while (await _database.AskAsync(next))
        {
            yield return reader;
        }
    }

    private static async Task MigrateAsync(PostgresDatabase database, ILogger log, CancellationToken cancel)
    {
        await using NpgsqlConnection connection = await database.OpenAsync(cancel);
        try
        {
            int found = await PostgresMigrations.ApplyAsync(connection, database.Dsn, cancel);
            if (found < PostgresMigrations.Newest)
            {
                StorageLog.Migrated(log, database.Dsn.ToString(), found, PostgresMigrations.Newest);
            }
        }
        catch (Exception e) when (PostgresDatabase.IsAway(e))
        {
            throw database.Away(e);
        }
    }
}

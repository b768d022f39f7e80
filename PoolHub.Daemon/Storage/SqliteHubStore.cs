using System.Runtime.CompilerServices;
using Microsoft.Data.Sqlite;
using PoolHub.Daemon.Storage.Sqlite;
using PoolHub.Protocol;

namespace PoolHub.Daemon.Storage;

/// <summary>The store in a file of the state directory: nothing to install, one daemon at a time.</summary>
internal sealed class SqliteHubStore : IHubStore, IStoreArchive
{
    private readonly SqliteFile _file;
    private readonly SqliteWriter _writer;
    private readonly TimeProvider _time;
    private readonly ILogger _log;

    private SqliteHubStore(SqliteFile file, TimeProvider time, ILogger log)
    {
        _file = file;
        _time = time;
        _log = log;
        _writer = new SqliteWriter(file, log);
    }

    public StoreFigures Figures => new(
        _writer.Commits, _writer.Writes, _writer.Waiting,
        _writer.Failing ? $"the store refused the last write, and nothing is made durable: {_writer.Reason}" : null);

    /// <summary>
    /// Opens the database of a state directory, creating both when they are absent. A file that cannot be used fails
    /// with <see cref="StoreRefusedException"/>, whose message says what to do.
    /// </summary>
    public static SqliteHubStore Open(string stateDir, TimeProvider time, ILogger<SqliteHubStore> log)
    {
        SqliteFile file = SqliteFile.Open(stateDir);
        if (!file.WasClean)
        {
            StorageLog.WasNotClosed(log, file.Path);
        }
        if (file.FoundVersion < SqliteMigrations.Newest)
        {
            StorageLog.Migrated(log, file.Path, file.FoundVersion, SqliteMigrations.Newest);
        }
        StorageLog.Opened(log, file.Path, SqliteMigrations.Newest);
        return new SqliteHubStore(file, time, log);
    }

    public Task<IReadOnlyList<StoredMiner>> LoadAsync(CancellationToken cancel) =>
        Task.Run<IReadOnlyList<StoredMiner>>(() => Load(cancel), cancel);

    public Task SaveRegistrationAsync(
        string minerId, MinerProfile profile, long epoch, StoredKeys? claim, DateTimeOffset at) =>
        Write(statements => statements.SaveRegistration(minerId, profile, epoch, claim, at));

    public Task SaveKeysAsync(string minerId, StoredKeys keys, DateTimeOffset at, AuditEntry? audit = null) =>
        Write(statements => statements.SaveKeys(minerId, keys, at, audit));

    public Task SaveEpochAsync(string minerId, long epoch) => Write(statements => statements.SaveEpoch(minerId, epoch));

    public Task SaveDrainingAsync(string minerId, bool draining, AuditEntry? audit = null) =>
        Write(statements => statements.SaveDraining(minerId, draining, audit));

    public Task<FeedbackReceipt> RecordFeedbackAsync(StoredFeedback feedback, Func<TrustState, TrustState> learn) =>
        _writer.Write(statements => statements.RecordFeedback(feedback, learn));

    public Task ResetTrustAsync(string minerId, Action forget, AuditEntry audit) =>
        Write(statements => statements.ResetTrust(minerId, forget, audit));

    public Task SaveStatusesAsync(IReadOnlyList<StoredStatus> batch)
    {
        if (batch.Count == 0)
        {
            return Task.CompletedTask;
        }
        // In the table's own order, neighbours share a page; in the order of arrival each row would dirty its own.
        StoredStatus[] rows = [.. batch];
        Array.Sort(rows, static (a, b) => string.CompareOrdinal(a.MinerId, b.MinerId));
        return _writer.Write(rows);
    }

    public Task SavePriceOverrideAsync(string minerId, PriceOverride? price, DateTimeOffset at, AuditEntry? audit = null) =>
        Write(statements => statements.SavePriceOverride(minerId, price, at, audit));

    public Task SaveAuditAsync(AuditEntry entry) => Write(statements => statements.SaveAudit(entry));

    public Task<int> ForgetAuditAsync(DateTimeOffset before, int limit) => _writer.Write(statements => statements.ForgetAudit(before, limit));

    public Task<IReadOnlyList<AuditEntry>> ReadAuditAsync(string? minerId, long before, int limit, CancellationToken cancel) =>
        ReadPageAsync(SqliteLoad.AuditPage, minerId, before, limit, SqliteLoad.ReadAudit, cancel);

    public Task<IReadOnlyList<FeedbackRow>> ReadFeedbackAsync(string minerId, long before, int limit, CancellationToken cancel) => ReadPageAsync(
        SqliteLoad.FeedbackPage, minerId, before, limit, row => new FeedbackRow(row.GetInt64(9), SqliteLoad.ReadFeedback(row)), cancel);

    public Task<int> ForgetFeedbackAsync(DateTimeOffset before, int limit) =>
        _writer.Write(statements => statements.ForgetFeedback(before, limit));

    public Task<long> CountFeedbackAsync(CancellationToken cancel) => CountAsync("SELECT count(*) FROM feedback", cancel);

    public Task<long> CountAuditAsync(CancellationToken cancel) => CountAsync("SELECT count(*) FROM audit", cancel);

    public IAsyncEnumerable<StoredFeedback> ReadFeedbackAsync(CancellationToken cancel) =>
        ReadAsync(SqliteLoad.Feedback, SqliteLoad.ReadFeedback, cancel);

    public IAsyncEnumerable<AuditEntry> ReadAuditAsync(CancellationToken cancel) =>
        ReadAsync(SqliteLoad.Audit, SqliteLoad.ReadAudit, cancel);

    public Task<ArchiveEnd> ImportAsync(IEnumerable<ArchiveBatch> batches) => _writer.Write(statements =>
    {
        var written = new ArchiveEnd(0, 0);
        foreach (ArchiveBatch batch in batches)
        {
            foreach (StoredMiner miner in batch.Miners)
            {
                statements.Import(miner);
            }
            int reports = batch.Feedback.Sum(statements.Import);
            foreach (AuditEntry entry in batch.Audit)
            {
                statements.SaveAudit(entry);
            }
            written = written.Plus(batch.Miners.Count, reports, batch.Audit.Count);
        }
        return written;
    });

    /// <summary>Makes durable what was accepted, then closes the file.</summary>
    public async ValueTask DisposeAsync() => await _writer.CloseAsync();

    // Only ever called with the constants above and of SqliteLoad.
#pragma warning disable CA2100
    private Task<long> CountAsync(string sql, CancellationToken cancel) => Task.Run(
        () =>
        {
            using SqliteConnection reader = _file.OpenReader();
            using SqliteCommand command = reader.CreateCommand();
            command.CommandText = sql;
            return _file.Ask(() => (long)command.ExecuteScalar()!);
        },
        cancel);

    private Task<IReadOnlyList<T>> ReadPageAsync<T>(
        string sql, string? minerId, long before, int limit, Func<SqliteDataReader, T> read, CancellationToken cancel) => Task.Run<IReadOnlyList<T>>(
        () =>
        {
            using SqliteConnection reader = _file.OpenReader();
            using SqliteCommand command = reader.CreateCommand();
            command.CommandText = sql;
            _ = command.Parameters.AddWithValue("?1", before);
            _ = command.Parameters.AddWithValue("?2", minerId is null ? DBNull.Value : minerId);
            _ = command.Parameters.AddWithValue("?3", limit);
            using SqliteDataReader row = command.ExecuteReader();
            List<T> page = [];
            while (row.Read())
            {
                page.Add(read(row));
            }
            return page;
        },
        cancel);

    private async IAsyncEnumerable<T> ReadAsync<T>(string sql, Func<SqliteDataReader, T> read, [EnumeratorCancellation] CancellationToken cancel)
    {
        await using SqliteConnection reader = _file.OpenReader();
        await using SqliteCommand command = reader.CreateCommand();
        command.CommandText = sql;
        await using SqliteDataReader row = _file.Ask(command.ExecuteReader);
        // SQLite reads on the caller's thread in any case.
        Func<bool> next = row.Read;
        while (_file.Ask(next))
        {
            yield return read(row);
        }
    }
#pragma warning restore CA2100

    private Task<bool> Write(Action<SqliteStatements> write) =>
        _writer.Write(statements =>
        {
            write(statements);
            return true;
        });

    private List<StoredMiner> Load(CancellationToken cancel)
    {
        long start = _time.GetTimestamp();
        using SqliteConnection reader = _file.OpenReader();
        List<StoredMiner> miners = _file.Ask(() => new SqliteLoad().Read(reader, cancel));
        StorageLog.Loaded(_log, miners.Count, _time.GetElapsedTime(start).TotalMilliseconds);
        return miners;
    }
}

using Microsoft.Data.Sqlite;

namespace PoolHub.Daemon.Storage.Sqlite;

/// <summary>
/// One thread that owns the write connection. Whatever waits when a transaction begins is committed by it, so that a
/// thousand writers share one sync of the disk; statuses take turns with everything else, a part of a batch each.
/// </summary>
internal sealed class SqliteWriter
{
    /// <summary>Writes that may wait. A disk that is this far behind does not catch up by waiting longer.</summary>
    public const int Capacity = 8_192;

    /// <summary>Batches of statuses that may wait; each makes the one before it obsolete.</summary>
    private const int BatchCapacity = 4;

    private readonly object _gate = new();
    private readonly Queue<PendingStatuses> _batches = new();
    private readonly SqliteFile _file;
    private readonly ILogger _log;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private List<PendingWrite> _waiting = [];
    private bool _closing;
    private long _commits;
    private volatile bool _failing;
    private long _writes;

    public SqliteWriter(SqliteFile file, ILogger log)
    {
        _file = file;
        _log = log;
        new Thread(Run) { IsBackground = true, Name = "poolhub-store" }.Start();
    }

    /// <summary>Transactions committed so far.</summary>
    public long Commits => Interlocked.Read(ref _commits);

    /// <summary>Whether the last write was refused.</summary>
    public bool Failing => _failing;

    /// <summary>Why one was refused last.</summary>
    public string Reason { get; private set; } = "the log says why";

    /// <summary>Writes made durable so far; a row of a status batch counts as one.</summary>
    public long Writes => Interlocked.Read(ref _writes);

    public int Waiting
    {
        get
        {
            lock (_gate)
            {
                return _waiting.Count;
            }
        }
    }

    public Task<T> Write<T>(Func<SqliteStatements, T> write)
    {
        var pending = new PendingWrite<T>(write);
        lock (_gate)
        {
            if (Refusal(_waiting.Count, Capacity) is { } refusal)
            {
                return Task.FromException<T>(refusal);
            }
            _waiting.Add(pending);
            Monitor.Pulse(_gate);
        }
        return pending.Task;
    }

    public Task Write(StoredStatus[] rows)
    {
        var pending = new PendingStatuses(rows);
        lock (_gate)
        {
            if (Refusal(_batches.Count, BatchCapacity) is { } refusal)
            {
                return Task.FromException(refusal);
            }
            _batches.Enqueue(pending);
            Monitor.Pulse(_gate);
        }
        return pending.Task;
    }

    /// <summary>Takes no more writes; completes when those it took are durable and the file is closed.</summary>
    public Task CloseAsync()
    {
        lock (_gate)
        {
            _closing = true;
            Monitor.Pulse(_gate);
        }
        return _ended.Task;
    }

    private StoreUnavailableException? Refusal(int waiting, int capacity)
    {
        if (_closing)
        {
            return new StoreUnavailableException("The store is closed.");
        }
        return waiting < capacity
            ? null
            : new StoreUnavailableException($"The disk is too slow: {waiting} writes are waiting already.");
    }

    private void Run()
    {
        List<PendingWrite> taken = [];
        try
        {
            using (var statements = new SqliteStatements(_file.Writer))
            {
                while (Take(ref taken, out PendingStatuses? batch))
                {
                    if (taken.Count > 0)
                    {
                        WriteGroup(statements, taken);
                        taken.Clear();
                    }
                    if (batch is not null)
                    {
                        WriteTurn(statements, batch);
                    }
                }
            }
            _file.Dispose();
            _ended.TrySetResult();
        }
        catch (Exception e)
        {
            // Not reached by a write that fails, only by a fault in this class; nobody may be left waiting for ever.
            StorageLog.WriterDied(_log, e);
            _failing = true;
            var reason = new StoreUnavailableException("The store's writer has died; restart poolhubd.", e);
            lock (_gate)
            {
                _closing = true;
                // Those that are done with do not mind.
                taken.ForEach(write => write.Fail(reason));
                _waiting.ForEach(write => write.Fail(reason));
                _waiting.Clear();
                foreach (PendingStatuses batch in _batches)
                {
                    batch.Fail(reason);
                }
            }
            _file.Dispose();
            _ended.TrySetResult();
        }
    }

    /// <summary>Waits for work and takes all of it, with the first batch; false when there will be no more.</summary>
    private bool Take(ref List<PendingWrite> taken, out PendingStatuses? batch)
    {
        // The last one is a row for each miner, and would otherwise be kept while there is nothing to do.
        batch = null;
        lock (_gate)
        {
            while (_waiting.Count == 0 && _batches.Count == 0 && !_closing)
            {
                Monitor.Wait(_gate);
            }
            (taken, _waiting) = (_waiting, taken);
            _batches.TryPeek(out batch);
            return taken.Count > 0 || batch is not null;
        }
    }

    private void WriteGroup(SqliteStatements statements, List<PendingWrite> group)
    {
        var refused = new Dictionary<PendingWrite, Exception>();
        try
        {
            statements.Begin();
            foreach (PendingWrite write in group)
            {
                statements.Savepoint();
                try
                {
                    write.Execute(statements);
                    statements.Release();
                }
                catch (Exception e)
                {
                    // Fails when SQLite has given up the whole transaction (a full disk), and so fails the group.
                    statements.RollbackToSavepoint();
                    refused.Add(write, e is SqliteException ? Unavailable(e) : e);
                }
            }
            statements.Commit();
        }
        catch (Exception e)
        {
            StorageLog.CommitFailed(_log, group.Count, e);
            _failing = true;
            TryRollback(statements);
            StoreUnavailableException reason = Unavailable(e);
            group.ForEach(write => write.Fail(refused.GetValueOrDefault(write, reason)));
            return;
        }
        Interlocked.Increment(ref _commits);
        Interlocked.Add(ref _writes, group.Count - refused.Count);
        _failing = refused.Values.Any(e => e is StoreUnavailableException);
        foreach (PendingWrite write in group)
        {
            if (refused.TryGetValue(write, out Exception? reason))
            {
                write.Fail(reason);
            }
            else
            {
                write.Complete();
            }
        }
    }

    private void WriteTurn(SqliteStatements statements, PendingStatuses batch)
    {
        try
        {
            statements.Begin();
            int rows = batch.ExecuteTurn(statements);
            statements.Commit();
            Interlocked.Increment(ref _commits);
            Interlocked.Add(ref _writes, rows);
            _failing = false;
            if (!batch.IsWritten)
            {
                return;
            }
            batch.Complete();
        }
        catch (Exception e)
        {
            StorageLog.StatusesFailed(_log, e);
            _failing = true;
            TryRollback(statements);
            batch.Fail(Unavailable(e));
        }
        lock (_gate)
        {
            _batches.Dequeue();
        }
    }

    private StoreUnavailableException Unavailable(Exception e)
    {
        Reason = e.Message;
        return new StoreUnavailableException($"The database took nothing: {e.Message}", e);
    }

    private static void TryRollback(SqliteStatements statements)
    {
        try
        {
            statements.Rollback();
        }
        catch (SqliteException)
        {
            // SQLite has rolled it back itself, or it never began.
        }
    }
}

using Npgsql;

namespace PoolHub.Daemon.Storage.Postgres;

/// <summary>
/// The one connection that writes. Whatever waits when a transaction begins is committed by it; statuses take turns with
/// everything else, a part of a batch each. While the database is away writes fail at once.
/// </summary>
internal sealed class PostgresWriter : IAsyncDisposable
{
    /// <summary>A connection that is not used is asked so often whether it still is one, so that health tells.</summary>
    private static readonly TimeSpan s_idleInterval = TimeSpan.FromSeconds(5);

    private readonly PostgresQueue _queue = new();
    private readonly CancellationTokenSource _closing = new();
    private readonly PostgresLink _link;
    private readonly ILogger _log;
    private readonly Task _ended;
    private long _commits;
    private long _writes;
    private string? _trouble;

    /// <param name="link">Owns the database; the writer closes it.</param>
    public PostgresWriter(PostgresLink link, ILogger log)
    {
        (_link, _log) = (link, log);
        _ended = Task.Run(RunAsync);
    }

    public StoreFigures Figures =>
        new(Interlocked.Read(ref _commits), Interlocked.Read(ref _writes), _queue.Waiting, _link.Away?.Message ?? Volatile.Read(ref _trouble));

    public bool IsAway => _link.Away is not null;

    public T Write<T>(T write)
        where T : PostgresWrite
    {
        _queue.Add(write);
        return write;
    }

    /// <summary>Takes no more writes; completes when those it took are durable, or refused, and the connection is closed.</summary>
    public async ValueTask DisposeAsync()
    {
        _queue.Close();
        await _closing.CancelAsync();
        await _ended;
        _closing.Dispose();
        _queue.Dispose();
    }

    private async Task RunAsync()
    {
        PostgresGroup? taken = null;
        try
        {
            while (_link.Away is null || await ReturnAsync())
            {
                if (_queue.Take() is not { } work)
                {
                    if (_queue.IsClosed)
                    {
                        break;
                    }
                    if (!await _queue.WaitAsync(s_idleInterval))
                    {
                        await RunAsync("SELECT 1");
                    }
                    continue;
                }
                if (work.Group.Writes.Count > 0)
                {
                    taken = work.Group;
                    await WriteAsync(taken);
                }
                if (work.Batch is not null)
                {
                    await WriteTurnAsync(work.Batch);
                }
            }
        }
        catch (Exception e)
        {
            // Not reached by a write that fails, only by a fault in this class; nobody may be left waiting for ever.
            StorageLog.WriterDied(_log, e);
            Volatile.Write(ref _trouble, "the store's writer has died; restart poolhubd");
            _queue.Close();
            // Those that are done with do not mind.
            taken?.Writes.ForEach(write => write.Fail(new StoreUnavailableException("The store's writer has died; restart poolhubd.", e)));
        }
        _queue.Refuse(new StoreUnavailableException("The store is closed."));
        await _link.DisposeAsync();
    }

    /// <summary>Waits for the database to be back; false when the store closes before.</summary>
    private async Task<bool> ReturnAsync()
    {
        if (!await _link.ReturnAsync(_closing.Token))
        {
            return false;
        }
        _queue.Admit();
        return true;
    }

    private async Task WriteAsync(PostgresGroup group)
    {
        try
        {
            await group.ExecuteAsync(_link.Connection!);
            Committed(group.Writes.Count);
            group.Writes.ForEach(Complete);
        }
        catch (Exception e) when (PostgresDatabase.IsAway(e))
        {
            StoreAwayException away = await LoseAsync(e);
            group.Writes.ForEach(write => write.Fail(away));
        }
        catch (Exception e) when (group.Writes.Count > 1)
        {
            // One that the database does not take must not take the others with it: each goes alone.
            StorageLog.GroupSplit(_log, group.Writes.Count, e);
            await RunAsync("ROLLBACK");
            foreach (PostgresWrite write in group.Writes)
            {
                await WriteAloneAsync(write);
            }
        }
        catch (Exception e)
        {
            await RunAsync("ROLLBACK");
            Refuse(group.Writes[0], e);
        }
    }

    private async Task WriteAloneAsync(PostgresWrite write)
    {
        if (_link.Away is { } away)
        {
            write.Fail(new StoreAwayException(away.Message));
            return;
        }
        var alone = new PostgresGroup();
        _ = alone.TryAdd(write);
        await WriteAsync(alone);
    }

    private async Task WriteTurnAsync(StatusesWrite batch)
    {
        if (_link.Away is not null)
        {
            // Lost while the group before it was written; the batch has been told.
            return;
        }
        try
        {
            ArraySegment<StoredStatus> rows = batch.NextTurn;
            await using (var turn = new NpgsqlBatch(_link.Connection))
            {
                turn.BatchCommands.Add(PostgresStatements.Statuses(rows));
                _ = await turn.ExecuteNonQueryAsync();
            }
            Committed(rows.Count);
            batch.Advance(rows.Count);
            if (!batch.IsWritten)
            {
                return;
            }
            batch.Complete();
        }
        catch (Exception e) when (PostgresDatabase.IsAway(e))
        {
            batch.Fail(await LoseAsync(e));
        }
        catch (Exception e)
        {
            StorageLog.StatusesFailed(_log, e);
            batch.Fail(Troubled(e));
        }
        _queue.Remove(batch);
    }

    private static void Complete(PostgresWrite write)
    {
        if (write is LessonWrite { Refusal: { } refusal })
        {
            write.Fail(refusal);
        }
        else
        {
            write.Complete();
        }
    }

    private void Refuse(PostgresWrite write, Exception e)
    {
        if (e is PostgresException)
        {
            StorageLog.WriteRefused(_log, e);
            write.Fail(Troubled(e));
        }
        else
        {
            write.Fail(e);
        }
    }

    private StoreUnavailableException Troubled(Exception e)
    {
        var trouble = new StoreUnavailableException($"The database took nothing: {e.Message}", e);
        Volatile.Write(ref _trouble, trouble.Message);
        return trouble;
    }

    private void Committed(int writes)
    {
        _ = Interlocked.Increment(ref _commits);
        _ = Interlocked.Add(ref _writes, writes);
        Volatile.Write(ref _trouble, null);
    }

    /// <summary>Runs a statement of no consequence; without an answer the database is away.</summary>
    private async Task RunAsync(string sql)
    {
        try
        {
            // Only ever called with constants.
#pragma warning disable CA2100
            await using var command = new NpgsqlCommand(sql, _link.Connection);
#pragma warning restore CA2100
            _ = await command.ExecuteNonQueryAsync();
        }
        catch (Exception e) when (PostgresDatabase.IsAway(e))
        {
            _ = await LoseAsync(e);
        }
    }

    /// <summary>Gives the connection up; whoever waits is told.</summary>
    private async Task<StoreAwayException> LoseAsync(Exception e)
    {
        StoreAwayException away = await _link.LoseAsync(e);
        _queue.Refuse(away);
        return away;
    }
}

namespace PoolHub.Daemon.Storage.Postgres;

/// <summary>What waits for the writer, and no more than it can catch up with. Thread-safe.</summary>
internal sealed class PostgresQueue : IDisposable
{
    /// <summary>Writes that may wait. A database that is this far behind does not catch up by waiting longer.</summary>
    public const int Capacity = 8_192;

    /// <summary>Batches of statuses that may wait; each makes the one before it obsolete.</summary>
    private const int BatchCapacity = 4;

    private readonly Lock _gate = new();
    private readonly Queue<PostgresWrite> _waiting = new();
    private readonly Queue<StatusesWrite> _batches = new();
    private readonly SemaphoreSlim _work = new(0, 1);
    private StoreUnavailableException? _refusal;
    private bool _closed;

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

    public bool IsClosed => Volatile.Read(ref _closed);

    /// <summary>Adds a write, or fails it when it cannot be taken.</summary>
    public void Add(PostgresWrite write)
    {
        lock (_gate)
        {
            bool full = write is StatusesWrite ? _batches.Count >= BatchCapacity : _waiting.Count >= Capacity;
            if (_refusal is not null || full)
            {
                write.Fail(_refusal ?? new StoreUnavailableException($"The database is too slow: {_waiting.Count} writes are waiting already."));
                return;
            }
            if (write is StatusesWrite batch)
            {
                _batches.Enqueue(batch);
            }
            else
            {
                _waiting.Enqueue(write);
            }
            Wake();
        }
    }

    /// <summary>Everything that waits and may be written together, and the first batch; null when there is nothing.</summary>
    public (PostgresGroup Group, StatusesWrite? Batch)? Take()
    {
        lock (_gate)
        {
            var group = new PostgresGroup();
            while (_waiting.TryPeek(out PostgresWrite? next) && group.TryAdd(next))
            {
                _ = _waiting.Dequeue();
            }
            _ = _batches.TryPeek(out StatusesWrite? batch);
            return group.Writes.Count == 0 && batch is null ? null : (group, batch);
        }
    }

    /// <summary>The batch is done with.</summary>
    public void Remove(StatusesWrite batch)
    {
        lock (_gate)
        {
            // Refusing everybody has emptied the queue.
            if (_batches.TryPeek(out StatusesWrite? first) && first == batch)
            {
                _ = _batches.Dequeue();
            }
        }
    }

    /// <summary>False when nothing came in that time.</summary>
    public Task<bool> WaitAsync(TimeSpan time) => _work.WaitAsync(time);

    /// <summary>Fails whoever waits and whoever comes, until <see cref="Admit"/>.</summary>
    public void Refuse(StoreUnavailableException reason)
    {
        lock (_gate)
        {
            if (!_closed)
            {
                _refusal = reason;
            }
            while (_waiting.TryDequeue(out PostgresWrite? write))
            {
                write.Fail(reason);
            }
            while (_batches.TryDequeue(out StatusesWrite? batch))
            {
                batch.Fail(reason);
            }
        }
    }

    public void Admit()
    {
        lock (_gate)
        {
            if (!_closed)
            {
                _refusal = null;
            }
        }
    }

    /// <summary>Takes no more; what waits is still there to be written.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _refusal = new StoreUnavailableException("The store is closed.");
            Volatile.Write(ref _closed, true);
            Wake();
        }
    }

    public void Dispose() => _work.Dispose();

    private void Wake()
    {
        if (_work.CurrentCount == 0)
        {
            _ = _work.Release();
        }
    }
}

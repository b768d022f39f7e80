namespace PoolHub.Daemon.Storage.Sqlite;

/// <summary>A write that waits for its transaction, and the task of whoever waits for it.</summary>
internal abstract class PendingWrite
{
    public abstract void Execute(SqliteStatements statements);

    /// <summary>Called after the commit.</summary>
    public abstract void Complete();

    public abstract void Fail(Exception reason);
}

internal sealed class PendingWrite<T>(Func<SqliteStatements, T> write) : PendingWrite
{
    // A caller that went on within SetResult would hold up everyone who waits for the writer's thread.
    private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private T? _result;

    public Task<T> Task => _done.Task;

    public override void Execute(SqliteStatements statements) => _result = write(statements);

    public override void Complete() => _done.TrySetResult(_result!);

    public override void Fail(Exception reason) => _done.TrySetException(reason);
}

/// <summary>A batch of statuses, which is written part by part.</summary>
internal sealed class PendingStatuses(StoredStatus[] rows)
{
    /// <summary>Rows of one transaction: some milliseconds, the longest that another write has to wait for.</summary>
    private const int RowsPerTurn = 2_000;

    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _written;

    public Task Task => _done.Task;

    public bool IsWritten => _written == rows.Length;

    /// <summary>Writes the next part; returns how many rows it had.</summary>
    public int ExecuteTurn(SqliteStatements statements)
    {
        int end = Math.Min(rows.Length, _written + RowsPerTurn);
        for (int i = _written; i < end; i++)
        {
            statements.SaveStatus(in rows[i]);
        }
        int count = end - _written;
        _written = end;
        return count;
    }

    public void Complete() => _done.TrySetResult();

    public void Fail(Exception reason) => _done.TrySetException(reason);
}

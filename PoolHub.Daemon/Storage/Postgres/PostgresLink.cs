using Npgsql;

namespace PoolHub.Daemon.Storage.Postgres;

/// <summary>The writer's connection: lost, looked for every second, and found again. Only the writer uses it.</summary>
internal sealed class PostgresLink(PostgresDatabase database, NpgsqlConnection connection, TimeProvider time, ILogger log) : IAsyncDisposable
{
    private static readonly TimeSpan s_lookInterval = TimeSpan.FromSeconds(1);

    private NpgsqlConnection? _connection = connection;
    private StoreAwayException? _away;
    private long _awaySince;

    /// <summary>Null while the database is away.</summary>
    public NpgsqlConnection? Connection => _connection;

    /// <summary>Why it is away; null while it is there. May be read by anybody.</summary>
    public StoreAwayException? Away => Volatile.Read(ref _away);

    /// <summary>Gives the connection up.</summary>
    public async Task<StoreAwayException> LoseAsync(Exception e)
    {
        StoreAwayException away = database.Away(e);
        _awaySince = time.GetTimestamp();
        Volatile.Write(ref _away, away);
        StorageLog.WentAway(log, away.Message);
        if (_connection is { } lost)
        {
            _connection = null;
            await lost.DisposeAsync();
        }
        return away;
    }

    /// <summary>Looks for the database until it is back; false when the store closes before.</summary>
    public async Task<bool> ReturnAsync(CancellationToken closing)
    {
        while (_connection is null)
        {
            try
            {
                await Task.Delay(s_lookInterval, time, closing);
                _connection = await database.OpenAsOwnerAsync(patient: false, closing);
                Volatile.Write(ref _away, null);
                StorageLog.CameBack(log, database.Dsn.ToString(), time.GetElapsedTime(_awaySince).TotalSeconds);
            }
            catch (OperationCanceledException)
            {
                return false;
            }
            catch (Exception e) when (e is StoreAwayException or StoreRefusedException)
            {
                // What keeps it away may change meanwhile, and health says what it is now.
                Volatile.Write(ref _away, e as StoreAwayException ?? new StoreAwayException(e.Message, e));
            }
        }
        return true;
    }

    public async ValueTask DisposeAsync()
    {
        if (_connection is not null)
        {
            await _connection.DisposeAsync();
        }
    }
}

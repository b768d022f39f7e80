using System.Net.Sockets;
using Npgsql;

namespace PoolHub.Daemon.Storage.Postgres;

/// <summary>Opens connections, and says what is wrong when it cannot.</summary>
internal sealed class PostgresDatabase : IAsyncDisposable
{
    /// <summary>
    /// Held by the hub's one writing connection for as long as that lives: one hub to a database. The number is "POOLHUB2".
    /// </summary>
    private const string Own = "SELECT pg_try_advisory_lock(x'504F4F4C48554232'::bigint)";

    /// <summary>A hub that was killed gives the database back as soon as the server sees its connection end.</summary>
    private static readonly TimeSpan s_ownerPatience = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(100);

    // A server whose own setting answers before the disk has it would break what this store promises. A dead network must
    // not keep the next hub out for hours.
    private const string Begin = """
        SELECT set_config('tcp_keepalives_idle', '15', false), set_config('tcp_keepalives_interval', '5', false),
          set_config('tcp_keepalives_count', '3', false),
          CASE WHEN current_setting('synchronous_commit') = 'off' THEN set_config('synchronous_commit', 'on', false) END
        """;

    private readonly NpgsqlDataSource _source;

    public PostgresDatabase(PostgresDsn dsn)
    {
        Dsn = dsn;
        var builder = new NpgsqlSlimDataSourceBuilder(dsn.ConnectionString);
        _ = builder.EnableArrays().EnableTransportSecurity();
        _source = builder.Build();
    }

    public PostgresDsn Dsn { get; }

    /// <exception cref="StoreAwayException">It cannot be reached now; whatever else it says.</exception>
    /// <exception cref="StoreRefusedException">It never will be with these settings.</exception>
    public async Task<NpgsqlConnection> OpenAsync(CancellationToken cancel)
    {
        NpgsqlConnection? connection = null;
        try
        {
            connection = await _source.OpenConnectionAsync(cancel);
            await using var begin = new NpgsqlCommand(Begin, connection);
            _ = await begin.ExecuteNonQueryAsync(cancel);
            return connection;
        }
        catch (Exception e)
        {
            await (connection?.DisposeAsync() ?? ValueTask.CompletedTask);
            switch (e)
            {
                case PostgresException refusal when IsRefusal(refusal):
                    throw new StoreRefusedException($"{Dsn} refuses the role {Dsn.User}: {refusal.MessageText}. See DB_DSN.", e);
                case OperationCanceledException:
                    throw;
                default:
                    throw Away(e);
            }
        }
    }

    /// <summary>A connection that owns the database; fails when another hub does.</summary>
    /// <param name="patient">Whether to wait for a hub that has just ended.</param>
    /// <exception cref="StoreAwayException">It cannot be reached now.</exception>
    /// <exception cref="StoreRefusedException">Another hub has it, or the settings are wrong.</exception>
    public async Task<NpgsqlConnection> OpenAsOwnerAsync(bool patient, CancellationToken cancel)
    {
        NpgsqlConnection connection = await OpenAsync(cancel);
        try
        {
            await using var own = new NpgsqlCommand(Own, connection);
            long begin = Environment.TickCount64;
            while (await own.ExecuteScalarAsync(cancel) is not true)
            {
                if (!patient || Environment.TickCount64 - begin > s_ownerPatience.TotalMilliseconds)
                {
                    throw new StoreRefusedException($"{Dsn} is held by another poolhubd. Stop that one, or give each its own database.");
                }
                await Task.Delay(s_pause, cancel);
            }
            return connection;
        }
        catch (Exception e)
        {
            await connection.DisposeAsync();
            if (e is StoreRefusedException or OperationCanceledException)
            {
                throw;
            }
            throw Away(e);
        }
    }

    /// <summary>Asks it something, and says what is wrong when there is no answer.</summary>
    /// <exception cref="StoreAwayException">It cannot be reached now.</exception>
    /// <exception cref="StoreUnavailableException">It refuses.</exception>
    public async Task<T> AskAsync<T>(Func<Task<T>> ask)
    {
        try
        {
            return await ask();
        }
        catch (Exception e) when (IsAway(e))
        {
            throw Away(e);
        }
        catch (PostgresException e)
        {
            throw new StoreUnavailableException($"{Dsn} refuses it: {e.MessageText}", e);
        }
    }

    public StoreAwayException Away(Exception e) => new($"{Dsn} is away: {Reason(e)}", e);

    /// <summary>Whether it says that the database cannot work now, not that it does not like what it was asked.</summary>
    public static bool IsAway(Exception e) => e switch
    {
        // Connections, resources such as the disk, an operator's shutdown, the system's own errors, and a server that a
        // failover has made read-only.
        PostgresException { SqlState: { } state } => state[..2] is "08" or "53" or "57" or "58" || state == PostgresErrorCodes.ReadOnlySqlTransaction,
        NpgsqlException or SocketException or IOException or TimeoutException or ObjectDisposedException => true,
        _ => false,
    };

    public ValueTask DisposeAsync() => _source.DisposeAsync();

    private static bool IsRefusal(PostgresException e) =>
        e.SqlState[..2] is "28" or "3D" || e.SqlState == PostgresErrorCodes.InsufficientPrivilege;

    private static string Reason(Exception e) => e switch
    {
        PostgresException server => server.MessageText,
        { InnerException: { } inner } => inner.Message,
        _ => e.Message,
    };
}

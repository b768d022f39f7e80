using PoolHub.Daemon.Storage.Postgres;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Storage;

/// <summary>A database of the shared server that lets nobody in for a while.</summary>
internal sealed class LeavingDatabase
{
    private readonly PostgresServer _server;

    private LeavingDatabase(PostgresServer server, string url) => (_server, Url) = (server, url);

    public string Url { get; }

    public PostgresDsn Dsn
    {
        get
        {
            Assert.True(PostgresDsn.TryParse(Url, out PostgresDsn? read, out string? problem), problem);
            return read;
        }
    }

    private string Name => Url[(Url.LastIndexOf('/') + 1)..];

    public static async Task<LeavingDatabase> CreateAsync()
    {
        PostgresServer server = await PostgresServer.SharedAsync();
        return new LeavingDatabase(server, await server.CreateDatabaseAsync());
    }

    public Task<object?> SqlAsync(string sql) => _server.SqlAsync(Url, sql);

    public async Task LeaveAsync()
    {
        await ServerAsync($"ALTER DATABASE {Name} ALLOW_CONNECTIONS false");
        await ServerAsync($"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{Name}'");
    }

    public Task ReturnAsync() => ServerAsync($"ALTER DATABASE {Name} ALLOW_CONNECTIONS true");

    private Task<object?> ServerAsync(string sql) => _server.SqlAsync("/postgres", sql);
}

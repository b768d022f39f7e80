using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using PoolHub.Daemon.Storage;
using PoolHub.Tests.EndToEnd;
using PoolHub.Tests.Support;
using static PoolHub.Tests.Storage.StoreSamples;

namespace PoolHub.Tests.Storage;

/// <summary>A database that does not do what it should.</summary>
public sealed class PostgresTroubleTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Database_that_lets_nobody_in_is_away_until_it_does()
    {
        LeavingDatabase database = await LeavingDatabase.CreateAsync();
        await using PostgresHubStore store = await OpenAsync(database, NullLogger<PostgresHubStore>.Instance);
        await database.LeaveAsync();
        await Assert.ThrowsAsync<StoreAwayException>(() => store.SaveKeysAsync("m", new StoredKeys([1]), Noon));
        _ = await Eventually.SeeAsync(
            () => Task.FromResult(store.Figures.Trouble), trouble => trouble?.Contains("not currently accepting connections", StringComparison.Ordinal) == true);
        Assert.True(store.IsAway);
        await database.ReturnAsync();
        _ = await Eventually.SeeAsync(() => Task.FromResult(store.IsAway), away => !away);
        await store.SaveKeysAsync("m", new StoredKeys([1]), Noon);
    }

    [Fact]
    public async Task Database_that_lets_nobody_in_is_waited_for_at_the_start()
    {
        LeavingDatabase database = await LeavingDatabase.CreateAsync();
        await database.LeaveAsync();
        using var logs = new LogCollector();
        Task<PostgresHubStore> opening = OpenAsync(database, logs.Of<PostgresHubStore>());
        _ = await Eventually.SeeAsync(() => Task.FromResult(logs.Count("the hub begins when it is there") + (opening.IsFaulted ? 1 : 0)), told => told > 0);
        Assert.Equal(1, logs.Count("not currently accepting connections"));
        await database.ReturnAsync();
        await using PostgresHubStore store = await opening;
        Assert.Empty(await store.LoadAsync(Cancel));
    }

    [Fact]
    public async Task Writer_that_dies_leaves_nobody_waiting()
    {
        LeavingDatabase database = await LeavingDatabase.CreateAsync();
        // It cannot say that the database went away.
        await using PostgresHubStore store = await OpenAsync(database, new FailingLogger<PostgresHubStore>(LogLevel.Warning));
        await database.LeaveAsync();
        Task write = store.SaveKeysAsync("m", new StoredKeys([1]), Noon);
        await Assert.ThrowsAsync<StoreUnavailableException>(() => write.WaitAsync(Eventually.Patience, Cancel));
        await Assert.ThrowsAsync<StoreUnavailableException>(() => store.SaveKeysAsync("m", new StoredKeys([1]), Noon));
    }

    [Fact]
    public async Task Statement_that_the_database_refuses_is_the_stores_trouble()
    {
        LeavingDatabase database = await LeavingDatabase.CreateAsync();
        await using PostgresHubStore store = await OpenAsync(database, NullLogger<PostgresHubStore>.Instance);
        await database.SqlAsync("DROP TABLE poolhub.feedback; DROP TABLE poolhub.audit");
        StoreUnavailableException refusal = await Assert.ThrowsAsync<StoreUnavailableException>(() => store.ForgetFeedbackAsync(Noon, 1));
        Assert.Contains("\"poolhub.feedback\" does not exist", refusal.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<StoreUnavailableException>(() => store.ReadAuditAsync(null, long.MaxValue, 1, Cancel));
    }

    private static Task<PostgresHubStore> OpenAsync(LeavingDatabase database, ILogger<PostgresHubStore> log) =>
        PostgresHubStore.OpenAsync(database.Dsn, TimeProvider.System, log, cancel: Cancel);
}

using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;
using PoolHub.Daemon.Storage;
using PoolHub.Daemon.Storage.Sqlite;
using static PoolHub.Tests.Storage.StoreSamples;

namespace PoolHub.Tests.Storage;

public sealed class SqliteHubStoreTests : HubStoreTests, IDisposable
{
    private readonly string _dir = Directory.CreateTempSubdirectory("poolhub-store-").FullName;

    private string StateDir => Path.Combine(_dir, "state");
    private string DbPath => Path.Combine(StateDir, "poolhub.db");

    public void Dispose() => Directory.Delete(_dir, recursive: true);

    private protected override Task<IHubStore> OpenAsync() => Task.FromResult<IHubStore>(OpenSqlite());

    [Fact]
    public async Task Writes_of_a_thousand_callers_share_a_few_commits()
    {
        await using SqliteHubStore store = OpenSqlite();
        await Task.WhenAll(Enumerable.Range(0, 1_000).Select(
            i => Task.Run(() => store.SaveKeysAsync($"m{i}", new StoredKeys([1]), Noon), Cancel)));
        Assert.Equal(1_000, store.Figures.Writes);
        Assert.InRange(store.Figures.Commits, 1, 300);
    }

    [Fact]
    public async Task Writes_that_wait_together_are_one_commit()
    {
        await using SqliteHubStore store = OpenSqlite();
        await store.SaveKeysAsync("m", new StoredKeys([1]), Noon);
        using (var held = new HeldWriter(store))
        {
            Task[] writes = [.. Enumerable.Range(0, 100).Select(i => store.SaveEpochAsync("m", i))];
            Assert.Equal(100, store.Figures.Waiting);
            long before = store.Figures.Commits;
            await held.ReleaseAsync();
            await Task.WhenAll(writes);
            Assert.Equal(before + 2, store.Figures.Commits);
        }
    }

    [Fact]
    public async Task Write_is_refused_when_the_queue_is_full_and_the_rest_is_kept()
    {
        await using SqliteHubStore store = OpenSqlite();
        await store.SaveKeysAsync("m", new StoredKeys([1]), Noon);
        using (var held = new HeldWriter(store))
        {
            Task[] accepted = [.. Enumerable.Range(0, SqliteWriter.Capacity).Select(i => store.SaveEpochAsync("m", i))];
            Task refused = store.SaveEpochAsync("m", long.MaxValue);
            Assert.True(refused.IsFaulted);
            await Assert.ThrowsAsync<StoreUnavailableException>(() => refused);
            await held.ReleaseAsync();
            await Task.WhenAll(accepted);
        }
        Assert.Equal(SqliteWriter.Capacity - 1, Assert.Single(await store.LoadAsync(Cancel)).Epoch);
    }

    [Fact]
    public async Task Write_that_fails_leaves_its_group_standing()
    {
        await using SqliteHubStore store = OpenSqlite();
        await store.SaveKeysAsync("m", new StoredKeys([1]), Noon);
        using (var held = new HeldWriter(store))
        {
            Task before = store.SaveKeysAsync("before", new StoredKeys([1]), Noon);
            Task<FeedbackReceipt> bad = store.RecordFeedbackAsync(Feedback("j"), _ => throw new InvalidTimeZoneException());
            Task tooLong = store.SaveKeysAsync(null!, new StoredKeys([1]), Noon);
            Task after = store.SaveKeysAsync("after", new StoredKeys([1]), Noon);
            long commits = store.Figures.Commits;
            await held.ReleaseAsync();
            await Task.WhenAll(before, after);
            await Assert.ThrowsAsync<InvalidTimeZoneException>(() => bad);
            await Assert.ThrowsAsync<StoreUnavailableException>(() => tooLong);
            Assert.Equal(commits + 2, store.Figures.Commits);
        }
        Assert.Equal(["after", "before", "m"], (await store.LoadAsync(Cancel)).Select(m => m.MinerId).Order());
    }

    [Fact]
    public async Task Commit_that_fails_fails_its_group_and_the_next_one_stands()
    {
        await using SqliteHubStore store = OpenSqlite();
        await store.SaveKeysAsync("m", new StoredKeys([1]), Noon);
        // A deferred constraint is checked by the commit itself.
        Sql("""
            CREATE TABLE trap (miner_id TEXT REFERENCES miners (miner_id) DEFERRABLE INITIALLY DEFERRED);
            CREATE TRIGGER spring AFTER INSERT ON feedback WHEN new.job_id = 'bad'
              BEGIN INSERT INTO trap VALUES ('nobody'); END;
            """);
        await AssertGroupFailsAsync(store);
    }

    [Fact]
    public async Task Transaction_that_sqlite_gives_up_fails_its_group_and_the_next_one_stands()
    {
        await using SqliteHubStore store = OpenSqlite();
        await store.SaveKeysAsync("m", new StoredKeys([1]), Noon);
        // What a full disk does: the whole transaction is gone, not only the statement.
        Sql("""
            CREATE TRIGGER spring AFTER INSERT ON feedback WHEN new.job_id = 'bad'
              BEGIN SELECT RAISE(ROLLBACK, 'disk full'); END;
            """);
        await AssertGroupFailsAsync(store);
    }

    [Fact]
    public async Task Statuses_that_fail_are_told_and_the_next_batch_stands()
    {
        await using SqliteHubStore store = OpenSqlite();
        await store.SaveKeysAsync("m", new StoredKeys([1]), Noon);
        Sql("""
            CREATE TRIGGER spring AFTER INSERT ON miner_status WHEN new.queue_len = 13
              BEGIN SELECT RAISE(ABORT, 'no'); END;
            """);
        var status = new StoredStatus("m", 13, false, null, null, null, Noon);
        await Assert.ThrowsAsync<StoreUnavailableException>(() => store.SaveStatusesAsync([status]));
        await store.SaveStatusesAsync([status with { QueueLen = 12 }]);
        Assert.Equal(12, Assert.Single(await store.LoadAsync(Cancel)).Status!.Value.QueueLen);
    }

    [Fact]
    public async Task Other_writes_go_between_the_parts_of_a_batch()
    {
        await using SqliteHubStore store = OpenSqlite();
        await store.SaveKeysAsync("m", new StoredKeys([1]), Noon);
        StoredStatus[] rows = [.. Enumerable.Repeat(new StoredStatus("m", 1, false, null, null, null, Noon), 100_000)];
        using (var held = new HeldWriter(store))
        {
            Task statuses = store.SaveStatusesAsync(rows);
            await held.ReleaseAsync();
            // Were the batch one transaction, the epoch could only become durable after all of it.
            await store.SaveEpochAsync("m", 2);
            Assert.InRange(store.Figures.Writes, 2, rows.Length);
            await statuses;
        }
    }

    [Fact]
    public async Task Process_that_is_killed_leaves_everything_it_acknowledged()
    {
        string copy = Path.Combine(_dir, "copy");
        Directory.CreateDirectory(copy);
        await using (SqliteHubStore store = OpenSqlite())
        {
            await Task.WhenAll(Enumerable.Range(0, 300).Select(i => store.SaveRegistrationAsync($"m{i}", Full, i, null, Noon)));
            await store.SaveStatusesAsync([new StoredStatus("m1", 5, true, null, null, null, Noon)]);
            File.Copy(DbPath, Path.Combine(copy, "poolhub.db"));
            File.Copy(DbPath + "-wal", Path.Combine(copy, "poolhub.db-wal"));
        }
        await using SqliteHubStore survivor = OpenSqlite(copy);
        IReadOnlyList<StoredMiner> miners = await survivor.LoadAsync(Cancel);
        Assert.Equal(300, miners.Count);
        Assert.All(miners, miner => AssertProfile(Full, miner.Profile));
        Assert.Equal(5, miners.Single(m => m.MinerId == "m1").Status!.Value.QueueLen);
    }

    [Fact]
    public void Commit_syncs_the_log_to_the_disk()
    {
        using SqliteFile file = SqliteFile.Open(StateDir);
        SqliteFile.Execute(file.Writer, "CREATE TABLE more (x)");
        const int full = 2;
        Assert.Equal(full, SqliteFile.Pragma(file.Writer, "synchronous"));
        Assert.True(File.Exists(DbPath + "-wal"));
    }

    [Fact]
    public async Task Close_leaves_one_file_that_only_its_owner_reads()
    {
        await OpenSqlite().DisposeAsync();
        Assert.False(File.Exists(DbPath + "-wal"));
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(DbPath));
        }
    }

    private async Task AssertGroupFailsAsync(SqliteHubStore store)
    {
        using (var held = new HeldWriter(store))
        {
            Task before = store.SaveEpochAsync("m", 5);
            Task<FeedbackReceipt> bad = store.RecordFeedbackAsync(Feedback("bad"), state => state);
            Task after = store.SaveEpochAsync("m", 6);
            await held.ReleaseAsync();
            await Assert.ThrowsAsync<StoreUnavailableException>(() => before);
            await Assert.ThrowsAsync<StoreUnavailableException>(() => bad);
            await Assert.ThrowsAsync<StoreUnavailableException>(() => after);
        }
        Assert.Equal(0, Assert.Single(await store.LoadAsync(Cancel)).Epoch);
        await store.SaveEpochAsync("m", 7);
        Assert.Equal(7, Assert.Single(await store.LoadAsync(Cancel)).Epoch);
    }

    private SqliteHubStore OpenSqlite(string? stateDir = null) =>
        SqliteHubStore.Open(stateDir ?? StateDir, TimeProvider.System, NullLogger<SqliteHubStore>.Instance);

    private void Sql(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={DbPath};Pooling=False");
        connection.Open();
        SqliteFile.Execute(connection, sql);
    }
}

using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;
using PoolHub.Daemon.Storage;
using PoolHub.Daemon.Storage.Sqlite;
using static PoolHub.Tests.Storage.StoreSamples;

namespace PoolHub.Tests.Storage;

/// <summary>What is found in the state directory and cannot be the store: refused with what to do, and left as it was.</summary>
public sealed class SqliteFileTests : IDisposable
{
    private readonly string _dir = Directory.CreateTempSubdirectory("poolhub-store-").FullName;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
    private string StateDir => Path.Combine(_dir, "state");
    private string DbPath => Path.Combine(StateDir, "poolhub.db");

    public void Dispose() => Directory.Delete(_dir, recursive: true);

    [Fact]
    public void File_that_is_no_database_is_refused_and_left_as_it_was()
    {
        Directory.CreateDirectory(StateDir);
        string garbage = new('x', 10_000);
        File.WriteAllText(DbPath, garbage);
        AssertRefused("is not a SQLite database");
        Assert.Equal(garbage, File.ReadAllText(DbPath));
    }

    [Fact]
    public async Task File_that_is_empty_is_refused_and_left_as_it_was()
    {
        Directory.CreateDirectory(StateDir);
        await File.WriteAllBytesAsync(DbPath, [], Cancel);
        AssertRefused("is empty");
        Assert.Empty(await File.ReadAllBytesAsync(DbPath, Cancel));
        // As the message says.
        File.Delete(DbPath);
        await OpenSqlite().DisposeAsync();
    }

    [Theory]
    [InlineData("missing")]
    [InlineData("empty")]
    public async Task Log_of_a_file_that_was_lost_is_refused_and_kept(string lost)
    {
        string copy = Path.Combine(_dir, "copy");
        Directory.CreateDirectory(copy);
        await using (SqliteHubStore store = OpenSqlite())
        {
            await store.SaveRegistrationAsync("m", Full, 1, null, Noon);
            File.Copy(DbPath, Path.Combine(copy, "whole"));
            File.Copy(DbPath + "-wal", Path.Combine(copy, "poolhub.db-wal"));
        }
        string path = Path.Combine(copy, "poolhub.db");
        byte[] log = await File.ReadAllBytesAsync(path + "-wal", Cancel);
        if (lost == "empty")
        {
            await File.WriteAllBytesAsync(path, [], Cancel);
        }
        StoreRefusedException refusal = Assert.Throws<StoreRefusedException>(() => OpenSqlite(copy));
        Assert.Contains($"is {lost}, and {path}-wal beside it holds what was written last", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(log, await File.ReadAllBytesAsync(path + "-wal", Cancel));

        File.Move(Path.Combine(copy, "whole"), path, overwrite: true);
        await using SqliteHubStore survivor = OpenSqlite(copy);
        Assert.Equal("m", Assert.Single(await survivor.LoadAsync(Cancel)).MinerId);
    }

    [Fact]
    public async Task File_that_a_crash_left_half_made_is_made_anew()
    {
        Directory.CreateDirectory(StateDir);
        await File.WriteAllTextAsync(DbPath + ".new", "half of it", Cancel);
        await OpenSqlite().DisposeAsync();
        Assert.Equal(["poolhub.db", "poolhub.db.lock"], Directory.EnumerateFiles(StateDir).Select(Path.GetFileName).Order());
    }

    [Fact]
    public async Task File_that_is_damaged_after_a_crash_is_refused()
    {
        await using (SqliteHubStore store = OpenSqlite())
        {
            await Task.WhenAll(Enumerable.Range(0, 2_000).Select(i => store.SaveRegistrationAsync($"m{i}", Full, i, null, Noon)));
        }
        using (FileStream file = File.OpenWrite(DbPath))
        {
            file.Position = 4096 * 3;
            file.Write(new byte[4096 * 20]);
        }
        byte[] damaged = await File.ReadAllBytesAsync(DbPath, Cancel);
        await File.WriteAllBytesAsync(DbPath + "-wal", [1], Cancel);
        AssertRefused("is damaged");
        Assert.Equal(damaged, await File.ReadAllBytesAsync(DbPath, Cancel));
        Assert.Equal([1], await File.ReadAllBytesAsync(DbPath + "-wal", Cancel));
    }

    [Fact]
    public async Task File_that_is_damaged_where_nothing_is_read_at_the_start_is_refused()
    {
        await using (SqliteHubStore store = OpenSqlite())
        {
            await store.SaveRegistrationAsync("m", Full, 1, null, Noon);
            await Task.WhenAll(Enumerable.Range(0, 300).Select(i => store.RecordFeedbackAsync(Feedback($"j{i}"), state => state)));
        }
        DamageTable("feedback");
        AssertRefused("is damaged");
    }

    [Fact]
    public async Task Export_of_a_table_that_is_damaged_says_what_to_do()
    {
        await using SqliteHubStore store = OpenSqlite();
        await store.SaveRegistrationAsync("m", Full, 1, null, Noon);
        await Task.WhenAll(Enumerable.Range(0, 300).Select(i => store.RecordFeedbackAsync(Feedback($"j{i}"), state => state)));
        Sql("PRAGMA wal_checkpoint(TRUNCATE)");
        DamageTable("feedback");
        StoreRefusedException refusal = await Assert.ThrowsAsync<StoreRefusedException>(
            () => StoreArchive.ExportAsync(store, Path.Combine(_dir, "export.jsonl"), (_, _) => { }, Cancel));
        Assert.Contains("is damaged", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task File_that_is_damaged_is_refused_when_it_is_read()
    {
        await using (SqliteHubStore store = OpenSqlite())
        {
            await Task.WhenAll(Enumerable.Range(0, 2_000).Select(i => store.SaveRegistrationAsync($"m{i}", Full, i, null, Noon)));
        }
        await using SqliteHubStore damaged = OpenSqlite();
        using (var file = new FileStream(DbPath, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
            file.Position = 4096 * 3;
            file.Write(new byte[4096 * 20]);
        }
        StoreRefusedException refusal = await Assert.ThrowsAsync<StoreRefusedException>(() => damaged.LoadAsync(Cancel));
        Assert.Contains("is damaged", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task File_of_a_newer_daemon_is_refused()
    {
        await OpenSqlite().DisposeAsync();
        Sql("PRAGMA user_version = 99");
        AssertRefused("was written by a newer poolhubd (its schema is version 99");
    }

    [Theory]
    [InlineData("CREATE TABLE theirs (x)")]
    [InlineData("CREATE TABLE theirs (x); PRAGMA user_version = 1")]
    public void File_of_another_program_is_refused(string sql)
    {
        Directory.CreateDirectory(StateDir);
        File.WriteAllBytes(DbPath, []);
        Sql(sql);
        byte[] theirs = File.ReadAllBytes(DbPath);
        AssertRefused("is another program's database");
        Assert.Equal(theirs, File.ReadAllBytes(DbPath));
    }

    [Fact]
    public async Task File_that_another_daemon_has_open_is_refused()
    {
        await using SqliteHubStore store = OpenSqlite();
        AssertRefused("is held by another poolhubd");
    }

    [Fact]
    public void State_directory_that_cannot_be_made_is_refused()
    {
        File.WriteAllText(StateDir, "a file where the directory should be");
        AssertRefused("cannot be opened");
    }

    private SqliteHubStore OpenSqlite(string? stateDir = null) =>
        SqliteHubStore.Open(stateDir ?? StateDir, TimeProvider.System, NullLogger<SqliteHubStore>.Instance);

    private void AssertRefused(string why)
    {
        StoreRefusedException refusal = Assert.Throws<StoreRefusedException>(() => OpenSqlite());
        Assert.Contains(why, refusal.Message, StringComparison.Ordinal);
        Assert.Contains(StateDir, refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refusal.Message);
    }

    private void Sql(string sql)
    {
        using SqliteConnection connection = Connect();
        SqliteFile.Execute(connection, sql);
    }

    private SqliteConnection Connect()
    {
        var connection = new SqliteConnection($"Data Source={DbPath};Pooling=False");
        connection.Open();
        return connection;
    }

    /// <summary>Overwrites the first page of a table's tree.</summary>
    private void DamageTable(string table)
    {
        using SqliteConnection connection = Connect();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = "SELECT rootpage FROM sqlite_schema WHERE name = $table";
        _ = command.Parameters.AddWithValue("$table", table);
        long page = (long)command.ExecuteScalar()!;
        using var file = new FileStream(DbPath, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        file.Position = (page - 1) * 4096;
        file.Write(new byte[4096]);
    }
}

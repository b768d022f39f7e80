using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;
using PoolHub.Daemon.Storage;
using PoolHub.Daemon.Storage.Sqlite;
using PoolHub.Protocol;
using static PoolHub.Tests.Storage.StoreSamples;

namespace PoolHub.Tests.Storage;

/// <summary>A database of every older version opens with all that it holds. The older schemas stand here as they were written.</summary>
public sealed class SqliteMigrationTests : IDisposable
{
    private const string Version1 = """
        CREATE TABLE miners (
          miner_id TEXT NOT NULL PRIMARY KEY,
          api_key_hash BLOB,
          previous_key_hash BLOB,
          previous_key_until INTEGER,
          created_at INTEGER NOT NULL,
          last_seen_at INTEGER,
          addr TEXT,
          proto TEXT,
          gpu_vram_gb REAL,
          gpu_name TEXT,
          cpu_cores INTEGER,
          ram_gb REAL,
          max_parallel INTEGER,
          base_price INTEGER,
          tags TEXT,
          capabilities TEXT,
          accel TEXT,
          region TEXT,
          epoch INTEGER NOT NULL DEFAULT 0,
          registered_epoch INTEGER NOT NULL DEFAULT 0,
          trust_score REAL NOT NULL DEFAULT 0.5,
          trust_good REAL NOT NULL DEFAULT 0,
          trust_bad REAL NOT NULL DEFAULT 0,
          trust_at INTEGER NOT NULL DEFAULT 0,
          failures_in_a_row INTEGER NOT NULL DEFAULT 0,
          ejections INTEGER NOT NULL DEFAULT 0,
          ejected_until INTEGER
        ) STRICT;
        CREATE INDEX idx_miners_region_vram ON miners (region, gpu_vram_gb);
        CREATE TABLE miner_status (
          miner_id TEXT NOT NULL PRIMARY KEY REFERENCES miners (miner_id) ON DELETE CASCADE,
          queue_len INTEGER NOT NULL,
          busy INTEGER NOT NULL,
          avg_latency_ms INTEGER,
          temp_c INTEGER,
          mem_free_gb REAL,
          updated_at INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE feedback (
          id INTEGER PRIMARY KEY,
          job_id TEXT NOT NULL,
          miner_id TEXT NOT NULL REFERENCES miners (miner_id) ON DELETE CASCADE,
          outcome TEXT NOT NULL,
          latency_ms INTEGER,
          fail_code TEXT,
          tokens_spent INTEGER,
          created_at INTEGER NOT NULL,
          UNIQUE (job_id, miner_id, outcome)
        ) STRICT;
        CREATE INDEX idx_feedback_miner_time ON feedback (miner_id, created_at);
        INSERT INTO miners (miner_id, created_at, api_key_hash) VALUES ('only-a-key', 1, x'01');
        INSERT INTO miners (miner_id, created_at, last_seen_at, epoch, registered_epoch, addr, proto, gpu_vram_gb, gpu_name,
          cpu_cores, ram_gb, max_parallel, base_price, tags, capabilities, accel, region)
        VALUES ('m', 1, 2, 3, 3, 'h:1', 'http', 24.0, 'RTX 4090', 16, 64.0, 4, 75000000, '["a"]', '["b"]', '["cuda"]', 'eu');
        INSERT INTO miner_status (miner_id, queue_len, busy, updated_at) VALUES ('m', 2, 1, 5);
        INSERT INTO feedback (job_id, miner_id, outcome, created_at) VALUES ('j', 'm', 'completed', 4);
        PRAGMA application_id = 0x504F4F4C;
        PRAGMA user_version = 1;
        """;

    /// <summary>Version 4, with a miner that has left.</summary>
    private const string Version4 = Version1 + """

        ALTER TABLE miners ADD COLUMN owner TEXT NOT NULL DEFAULT '';
        CREATE TABLE price_overrides (
          miner_id TEXT NOT NULL PRIMARY KEY REFERENCES miners (miner_id) ON DELETE CASCADE,
          price INTEGER NOT NULL,
          ends_at INTEGER,
          created_at INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE audit (
          id INTEGER PRIMARY KEY,
          at INTEGER NOT NULL,
          who TEXT NOT NULL,
          address TEXT NOT NULL,
          action TEXT NOT NULL,
          miner_id TEXT,
          detail TEXT NOT NULL
        ) STRICT;
        ALTER TABLE miners ADD COLUMN key_issued_at INTEGER;
        ALTER TABLE miners ADD COLUMN key_rotated_at INTEGER;
        ALTER TABLE miners ADD COLUMN key_revoked_at INTEGER;
        ALTER TABLE miner_status ADD COLUMN key_used_at INTEGER;
        UPDATE miners SET epoch = 9, owner = 'acme' WHERE miner_id = 'm';
        PRAGMA user_version = 4;
        """;

    private readonly string _dir = Directory.CreateTempSubdirectory("poolhub-migration-").FullName;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_dir, recursive: true);

    [Fact]
    public async Task Database_of_version_1_opens_with_its_miners_and_takes_their_owners()
    {
        Write(Version1);
        await using (SqliteHubStore store = Open())
        {
            IReadOnlyList<StoredMiner> miners = await store.LoadAsync(Cancel);
            Assert.Null(miners.Single(it => it.MinerId == "only-a-key").Profile);
            StoredMiner miner = miners.Single(it => it.MinerId == "m");
            Assert.NotNull(miner.Keys.RevokedAt);
            Assert.Null(miners.Single(it => it.MinerId == "only-a-key").Keys.RevokedAt);
            MinerProfile profile = miner.Profile!;
            Assert.Equal(("h:1", "RTX 4090", "eu", ""), (profile.Addr, profile.GpuName, profile.Region, profile.Owner));
            Assert.Equal((3, 2, false), (miner.Epoch, miner.Status!.Value.QueueLen, miner.HasLeft));
            Assert.False((await store.RecordFeedbackAsync(Feedback("j"), _ => throw new InvalidTimeZoneException())).Recorded);
            await store.SaveRegistrationAsync("m", profile with { Owner = "acme" }, 4, claim: null, Noon);
        }
        await using SqliteHubStore again = Open();
        Assert.Equal("acme", (await again.LoadAsync(Cancel)).Single(it => it.MinerId == "m").Profile!.Owner);
    }

    [Fact]
    public async Task Database_of_version_4_opens_with_its_miners_and_keeps_who_drains()
    {
        Write(Version4);
        await using (SqliteHubStore store = Open())
        {
            StoredMiner miner = (await store.LoadAsync(Cancel)).Single(it => it.MinerId == "m");
            Assert.Equal((9, 3, true, false, "acme"), (miner.Epoch, miner.RegisteredEpoch, miner.HasLeft, miner.Draining, miner.Profile!.Owner));
            await store.SaveDrainingAsync("m", true);
            StoredFeedback report = Assert.Single(await store.ReadFeedbackAsync("m", long.MaxValue, 10, Cancel)).Feedback;
            Assert.Equal(("default", "j", true), (report.Coordinator, report.JobId, report.Matched));
            Assert.True((await store.RecordFeedbackAsync(Feedback("j") with { Coordinator = "alice" }, state => state)).Recorded);
        }
        await using SqliteHubStore again = Open();
        Assert.Equal(["m"], (await again.LoadAsync(Cancel)).Where(it => it.Draining).Select(it => it.MinerId));
    }

    [Theory]
    [InlineData(Version1)]
    [InlineData(Version4)]
    public void Database_of_an_older_version_ends_with_the_schema_of_a_new_one(string older)
    {
        Write(older);
        string migrated = Columns(_dir);
        string made = Columns(Path.Combine(_dir, "new"));
        Assert.Equal(made, migrated);
    }

    private static string Columns(string stateDir)
    {
        using SqliteFile file = SqliteFile.Open(stateDir);
        Assert.Equal(SqliteMigrations.Newest, SqliteFile.Pragma(file.Writer, "user_version"));
        using SqliteCommand command = file.Writer.CreateCommand();
        command.CommandText = """
            SELECT group_concat(t.name || '.' || c.name || ' ' || c.type || ' ' || c."notnull" || ' ' || ifnull(c.dflt_value, '-'), x'0a')
            FROM sqlite_schema t JOIN pragma_table_info(t.name) c WHERE t.type = 'table'
            """;
        return (string)command.ExecuteScalar()!;
    }

    private SqliteHubStore Open() => SqliteHubStore.Open(_dir, TimeProvider.System, NullLogger<SqliteHubStore>.Instance);

    private void Write(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={Path.Combine(_dir, SqliteFile.Name)};Pooling=False");
        connection.Open();
        SqliteFile.Execute(connection, sql);
    }
}

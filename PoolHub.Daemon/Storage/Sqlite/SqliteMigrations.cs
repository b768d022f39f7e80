using System.Globalization;
using Microsoft.Data.Sqlite;

namespace PoolHub.Daemon.Storage.Sqlite;

/// <summary>
/// The schema, step by step. A database's <c>user_version</c> is how many of the steps it has taken; each is taken in a
/// transaction of its own. A step that has been released is never edited: append another.
/// </summary>
/// <remarks>
/// SQLite has neither a decimal nor a time type. Prices are whole units of 1e-8 token, since a REAL would round them, and
/// times are whole milliseconds since 1970, which compare and index as numbers; both are exact. Lists are JSON texts,
/// which SQLite's own json functions read. A price's column has the name that it has in PostgreSQL.
/// </remarks>
internal static class SqliteMigrations
{
    /// <summary>Marks the file as ours ("POOL" in ASCII), so that another program's database is not taken for one.</summary>
    public const int ApplicationId = 0x504F4F4C;

    // A goodbye raises miners.epoch above registered_epoch until the miner registers again.
    // miners.last_seen_at is the last registration: heartbeats are miner_status.updated_at, because writing them here as
    // well would rewrite these wide rows every few seconds. For the same reason miner_status has no index on updated_at,
    // and PostgreSQL's GIN index is reduced to the columns that an operator may ask for: the hub itself matches in memory.
    private const string First = """
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
        """;

    // Empty, as in a profile, where the miner does not say; also for those that registered before the column was.
    private const string Owner = "ALTER TABLE miners ADD COLUMN owner TEXT NOT NULL DEFAULT ''";

    private const string Prices = """
        CREATE TABLE price_overrides (
          miner_id TEXT NOT NULL PRIMARY KEY REFERENCES miners (miner_id) ON DELETE CASCADE,
          price INTEGER NOT NULL,
          ends_at INTEGER,
          created_at INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        """;

    // Until now who had no key had been revoked: nobody else was stored without one.
    private const string Audit = """
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
        UPDATE miners SET key_revoked_at = unixepoch() * 1000 WHERE api_key_hash IS NULL;
        """;

    private const string Draining = "ALTER TABLE miners ADD COLUMN draining INTEGER NOT NULL DEFAULT 0";

    // A table's UNIQUE cannot be changed. The index has the id in it, as every one has: a miner's reports come page by page.
    private const string Coordinators = """
        CREATE TABLE feedback_by_coordinator (
          id INTEGER PRIMARY KEY,
          coordinator TEXT NOT NULL,
          job_id TEXT NOT NULL,
          miner_id TEXT NOT NULL REFERENCES miners (miner_id) ON DELETE CASCADE,
          outcome TEXT NOT NULL,
          matched INTEGER NOT NULL,
          latency_ms INTEGER,
          fail_code TEXT,
          tokens_spent INTEGER,
          created_at INTEGER NOT NULL,
          UNIQUE (coordinator, job_id, miner_id, outcome)
        ) STRICT;

        INSERT INTO feedback_by_coordinator
        SELECT id, 'default', job_id, miner_id, outcome, 1, latency_ms, fail_code, tokens_spent, created_at FROM feedback;
        DROP TABLE feedback;
        ALTER TABLE feedback_by_coordinator RENAME TO feedback;
        CREATE INDEX idx_feedback_miner ON feedback (miner_id);
        """;

    private static readonly string[] s_steps = [First, Owner, Prices, Audit, Draining, Coordinators];

    public static int Newest => s_steps.Length;

    /// <summary>The version that the database is at; 0 when it has no tables yet.</summary>
    /// <exception cref="StoreRefusedException">It is newer, or another program's.</exception>
    public static int Recognise(SqliteConnection connection, string path)
    {
        int found = SqliteFile.Pragma(connection, "user_version");
        if (found > Newest)
        {
            throw new StoreRefusedException(
                $"{path} was written by a newer poolhubd (its schema is version {found}, this one knows {Newest}). "
                + "Install that version again, or move the file away to start with an empty directory.");
        }
        if (found == 0 ? HasTables(connection) : SqliteFile.Pragma(connection, "application_id") != ApplicationId)
        {
            throw new StoreRefusedException(
                $"{path} is another program's database. Move it away, or set the state directory to another place.");
        }
        return found;
    }

    /// <summary>Takes the steps that the database has not taken yet.</summary>
    public static void Apply(SqliteConnection connection, int found)
    {
        for (int version = found; version < Newest; version++)
        {
            using SqliteTransaction transaction = connection.BeginTransaction();
            using SqliteCommand step = connection.CreateCommand();
            step.Transaction = transaction;
            // A pragma takes no parameters; both values are our own constants.
#pragma warning disable CA2100
            step.CommandText = string.Create(
                CultureInfo.InvariantCulture,
                $"{s_steps[version]}; PRAGMA application_id = {ApplicationId}; PRAGMA user_version = {version + 1};");
#pragma warning restore CA2100
            step.ExecuteNonQuery();
            transaction.Commit();
        }
    }

    private static bool HasTables(SqliteConnection connection)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = "SELECT EXISTS (SELECT 1 FROM sqlite_schema)";
        return (long)command.ExecuteScalar()! != 0;
    }
}

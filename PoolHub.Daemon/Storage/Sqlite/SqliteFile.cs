using System.Globalization;
using Microsoft.Data.Sqlite;

namespace PoolHub.Daemon.Storage.Sqlite;

/// <summary>
/// The database file: opened, checked, brought to the newest schema, and locked against a second daemon for as long as
/// this lives. What is found and not understood is refused, never replaced.
/// </summary>
internal sealed class SqliteFile : IDisposable
{
    public const string Name = "poolhub.db";

    // SQLite's "not a database" and "malformed"; https://sqlite.org/rescode.html
    private const int SqliteCorrupt = 11;
    private const int SqliteNotADatabase = 26;

    /// <summary>
    /// A larger file is checked only after a crash: docs/decisions/0022. A hundred thousand miners with as many reports are
    /// half of it.
    /// </summary>
    private const long CheckedBytes = 128L << 20;

    /// <summary>How long a write waits for another program that holds the file, such as a backup, before it fails.</summary>
    private const int BusyTimeoutSec = 5;

    private readonly FileStream _lock;

    private SqliteFile(string path, FileStream fileLock, SqliteConnection writer, int foundVersion, bool wasClean)
    {
        Path = path;
        _lock = fileLock;
        Writer = writer;
        FoundVersion = foundVersion;
        WasClean = wasClean;
    }

    public string Path { get; }

    /// <summary>The only connection that writes.</summary>
    public SqliteConnection Writer { get; }

    /// <summary>The schema's version before migration; the newest for a new database.</summary>
    public int FoundVersion { get; }

    /// <summary>False when the last process that had it open did not close it.</summary>
    public bool WasClean { get; }

    public static SqliteFile Open(string stateDir)
    {
        string path = System.IO.Path.GetFullPath(System.IO.Path.Combine(stateDir, Name));
        FileStream? fileLock = null;
        SqliteConnection? writer = null;
        try
        {
            StateDirectory.Create(stateDir);
            fileLock = Lock(path + ".lock");
            CreateIfAbsent(path);

            // Closing the last connection removes the write-ahead log; one that is still there was left by a crash.
            bool wasClean = !HasLog(path);

            int found;
            // One that may write copies the log into the file when it is closed: what is refused stays as it was.
            using (SqliteConnection reader = Connect(path, SqliteOpenMode.ReadOnly))
            {
                if (!wasClean || new FileInfo(path).Length <= CheckedBytes)
                {
                    Check(reader, path);
                }
                found = SqliteMigrations.Recognise(reader, path);
            }
            writer = Connect(path, SqliteOpenMode.ReadWrite);
            Execute(writer, "PRAGMA journal_mode = WAL");
            // FULL syncs the log at every commit: what was acknowledged survives a loss of power, not only of the process.
            Execute(writer, "PRAGMA synchronous = FULL");
            // Statuses rewrite the same pages again and again; a longer log copies them into the database less often.
            Execute(writer, "PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864");
            SqliteMigrations.Apply(writer, found);
            return new SqliteFile(path, fileLock, writer, found, wasClean);
        }
        catch (Exception e)
        {
            writer?.Dispose();
            fileLock?.Dispose();
            if (Refusal(path, e) is { } refusal)
            {
                throw refusal;
            }
            throw;
        }
    }

    public SqliteConnection OpenReader() => Ask(() => Connect(Path, SqliteOpenMode.ReadOnly));

    /// <summary>Reads something, and says what to do when it cannot be read.</summary>
    public T Ask<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (SqliteException e)
        {
            throw Refusal(Path, e)!;
        }
    }

    /// <summary>What tells the operator what to do about <paramref name="e"/>; null when it is no fault of the file.</summary>
    public static StoreRefusedException? Refusal(string path, Exception e) => e switch
    {
        SqliteException { SqliteErrorCode: SqliteNotADatabase } => new StoreRefusedException(
            $"{path} is not a SQLite database. Restore it from a backup, or move it away, with its -wal and -shm, to start with an empty store.",
            e),
        SqliteException { SqliteErrorCode: SqliteCorrupt } => Damaged(path, e.Message, e),
        SqliteException => new StoreRefusedException($"{path} cannot be opened: {e.Message}", e),
        IOException or UnauthorizedAccessException => new StoreRefusedException(
            $"{path} cannot be opened: {e.Message} The state directory must belong to the user that runs poolhubd.", e),
        _ => null,
    };

    public static int Pragma(SqliteConnection connection, string name)
    {
        using SqliteCommand command = connection.CreateCommand();
        // Only ever called with the names of pragmas, which cannot be parameters.
#pragma warning disable CA2100
        command.CommandText = $"PRAGMA {name}";
#pragma warning restore CA2100
        return Convert.ToInt32(command.ExecuteScalar(), CultureInfo.InvariantCulture);
    }

    public static void Execute(SqliteConnection connection, string sql)
    {
        using SqliteCommand command = connection.CreateCommand();
        // Only ever called with constants.
#pragma warning disable CA2100
        command.CommandText = sql;
#pragma warning restore CA2100
        command.ExecuteNonQuery();
    }

    /// <summary>Copies the log into the database, removes it, and lets the next daemon in.</summary>
    public void Dispose()
    {
        try
        {
            Execute(Writer, "PRAGMA wal_checkpoint(TRUNCATE)");
        }
        catch (SqliteException)
        {
            // Nothing is lost: the next open reads the log.
        }
        Writer.Dispose();
        _lock.Dispose();
    }

    private static FileStream Lock(string path)
    {
        try
        {
            // FileShare.None is an advisory lock that the kernel drops with the process, however it ends.
            return new FileStream(path, StateDirectory.OwnerOnly(FileMode.OpenOrCreate, FileShare.None));
        }
        catch (IOException e) when (File.Exists(path))
        {
            throw new StoreRefusedException(
                $"{path} is held by another poolhubd. Stop that one, or give each its own state directory.", e);
        }
    }

    /// <summary>
    /// A new database gets its name when it has its tables. So an empty file is never one of ours, also after a crash: it
    /// was more once, and SQLite would take it for a new one and discard the log beside it.
    /// </summary>
    private static void CreateIfAbsent(string path)
    {
        var file = new FileInfo(path);
        if (file is { Exists: true, Length: > 0 })
        {
            return;
        }
        if (HasLog(path))
        {
            throw new StoreRefusedException(
                $"{path} is {(file.Exists ? "empty" : "missing")}, and {path}-wal beside it holds what was written last. Put back the "
                + "database that it belongs to, or restore a backup and move the -wal and -shm away, or move all of them away to start "
                + "with an empty store.");
        }
        if (file.Exists)
        {
            throw new StoreRefusedException(
                $"{path} is empty, as a restore leaves it that failed. Restore it from a backup, or delete it to start with an empty store.");
        }
        string made = path + ".new";
        foreach (string left in (string[])[made, made + "-wal", made + "-shm"])
        {
            File.Delete(left);
        }
        // SQLite gives its log the mode of the database.
        new FileStream(made, StateDirectory.OwnerOnly(FileMode.CreateNew, FileShare.ReadWrite)).Dispose();
        using (SqliteConnection connection = Connect(made, SqliteOpenMode.ReadWrite))
        {
            Execute(connection, "PRAGMA journal_mode = WAL");
            SqliteMigrations.Apply(connection, found: 0);
        }
        File.Move(made, path);
    }

    private static bool HasLog(string path) => new FileInfo(path + "-wal") is { Exists: true, Length: > 0 };

    private static SqliteConnection Connect(string path, SqliteOpenMode mode)
    {
        // A pooled connection would stay open after Dispose and keep the log from being removed.
        var text = new SqliteConnectionStringBuilder
        {
            DataSource = path,
            Mode = mode,
            Pooling = false,
            ForeignKeys = true,
            DefaultTimeout = BusyTimeoutSec,
        };
        var connection = new SqliteConnection(text.ToString());
        try
        {
            connection.Open();
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    private static void Check(SqliteConnection connection, string path)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandTimeout = 0;
        command.CommandText = "PRAGMA quick_check(1)";
        if (command.ExecuteScalar() as string is var result && result != "ok")
        {
            // Before the fault stands a line that names the database.
            throw Damaged(path, result?.Split('\n')[^1] ?? "no answer", null);
        }
    }

    private static StoreRefusedException Damaged(string path, string why, Exception? inner)
    {
        string message = $"{path} is damaged ({why}). Restore it from a backup, or save what can be read with "
            + $"`sqlite3 {path} .recover`, and move the file away with its -wal and -shm.";
        return inner is null ? new StoreRefusedException(message) : new StoreRefusedException(message, inner);
    }
}

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

    /// <summary>The schema's version before migration; 0 for a new database.</summary>
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
            var wal = new FileInfo(path + "-wal");
            bool wasClean = !wal.Exists || wal.Length == 0;

            writer = Connect(path, SqliteOpenMode.ReadWrite);
            if (!wasClean)
            {
                Check(writer, path);
            }
            Execute(writer, "PRAGMA journal_mode = WAL");
            // FULL syncs the log at every commit: what was acknowledged survives a loss of power, not only of the process.
            Execute(writer, "PRAGMA synchronous = FULL");
            // Statuses rewrite the same pages again and again; a longer log copies them into the database less often.
            Execute(writer, "PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864");
            int found = SqliteMigrations.Apply(writer, path);
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

    public SqliteConnection OpenReader() => Connect(Path, SqliteOpenMode.ReadOnly);

    /// <summary>What tells the operator what to do about <paramref name="e"/>; null when it is no fault of the file.</summary>
    public static StoreRefusedException? Refusal(string path, Exception e) => e switch
    {
        SqliteException { SqliteErrorCode: SqliteNotADatabase } => new StoreRefusedException(
            $"{path} is not a SQLite database. Restore it from a backup, or move it away to start with an empty directory.",
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

    private static void CreateIfAbsent(string path)
    {
        if (!File.Exists(path))
        {
            // SQLite gives its log the mode of the database.
            new FileStream(path, StateDirectory.OwnerOnly(FileMode.CreateNew, FileShare.ReadWrite)).Dispose();
        }
    }

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
            throw Damaged(path, result ?? "no answer", null);
        }
    }

    private static StoreRefusedException Damaged(string path, string why, Exception? inner)
    {
        string message = $"{path} is damaged ({why}). Restore it from a backup, or save what can be read with "
            + $"`sqlite3 {path} .recover`, and move the file away with its -wal and -shm.";
        return inner is null ? new StoreRefusedException(message) : new StoreRefusedException(message, inner);
    }
}

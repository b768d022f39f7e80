using System.Globalization;
using Npgsql;

namespace PoolHub.Daemon.Storage.Postgres;

/// <summary>
/// The schema <c>poolhub</c>, step by step, from the embedded files whose names begin with the version. Each step is one
/// transaction. A step that has been released is never edited: add another.
/// </summary>
internal static class PostgresMigrations
{
    /// <summary>Taken while the steps are, so that two daemons that start at once take each of them once ("POOLHUB1").</summary>
    private const long LockKey = 0x504F4F4C48554231;

    private static readonly (int Version, string Sql)[] s_steps = ReadSteps();

    public static int Newest => s_steps[^1].Version;

    /// <summary>Takes the steps that the database has not taken yet; returns the version it was found at, 0 for none.</summary>
    /// <exception cref="StoreRefusedException">The database is newer, the role may not, or a step cannot be taken.</exception>
    public static async Task<int> ApplyAsync(NpgsqlConnection connection, PostgresDsn dsn, CancellationToken cancel)
    {
        await RunAsync(connection, $"SELECT pg_advisory_lock({LockKey})", cancel);
        try
        {
            int found = await FindVersionAsync(connection, cancel);
            if (found > Newest)
            {
                throw new StoreRefusedException(
                    $"{dsn} was written by a newer poolhubd (its schema is version {found}, this one knows {Newest}). "
                    + "Install that version again, or name another database in DB_DSN.");
            }
            foreach ((int version, string sql) in s_steps.Where(step => step.Version > found))
            {
                await RunAsync(
                    connection,
                    $"BEGIN; {(version == 1 ? await PrologueAsync(connection, cancel) : "")}{sql}; "
                    + $"INSERT INTO poolhub.schema_version (version) VALUES ({version}); COMMIT",
                    cancel);
            }
            return found;
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.InsufficientPrivilege)
        {
            throw new StoreRefusedException(
                $"{dsn}: the role {dsn.User} may not make its tables ({e.MessageText}). As an administrator of that database: "
                + $"CREATE SCHEMA poolhub AUTHORIZATION \"{dsn.User}\";",
                e);
        }
        catch (PostgresException e) when (!PostgresDatabase.IsAway(e))
        {
            throw new StoreRefusedException(
                $"{dsn}: its schema cannot be brought to version {Newest} ({e.MessageText}). The step that failed has left nothing behind.", e);
        }
        finally
        {
            if (connection.State == System.Data.ConnectionState.Open)
            {
                // A step that failed has left its transaction open.
                await RunAsync(connection, $"ROLLBACK; SELECT pg_advisory_unlock({LockKey})", cancel);
            }
        }
    }

    /// <summary>A role that owns the schema need not be allowed to make one, and IF NOT EXISTS would ask for that first.</summary>
    private static async Task<string> PrologueAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        bool exists = await AskAsync(connection, "SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = 'poolhub')", cancel) is true;
        return (exists ? "" : "CREATE SCHEMA poolhub; ")
            + "CREATE TABLE poolhub.schema_version (version integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now()); ";
    }

    private static async Task<int> FindVersionAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        // The catalogue is read whoever may read the table.
        const string exists = """
            SELECT EXISTS (SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
              WHERE n.nspname = 'poolhub' AND c.relname = 'schema_version')
            """;
        return await AskAsync(connection, exists, cancel) is true
            ? Convert.ToInt32(await AskAsync(connection, "SELECT coalesce(max(version), 0) FROM poolhub.schema_version", cancel), CultureInfo.InvariantCulture)
            : 0;
    }

    // Called with constants, and with the texts of our own steps.
#pragma warning disable CA2100
    private static async Task<object?> AskAsync(NpgsqlConnection connection, string sql, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync(cancel);
    }

    private static async Task RunAsync(NpgsqlConnection connection, string sql, CancellationToken cancel)
    {
        // Many statements in one, and as long as they take: a step may rewrite a large table.
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        _ = await command.ExecuteNonQueryAsync(cancel);
    }
#pragma warning restore CA2100

    private static (int, string)[] ReadSteps()
    {
        const string prefix = "migrations/";
        System.Reflection.Assembly assembly = typeof(PostgresMigrations).Assembly;
        return [.. assembly.GetManifestResourceNames()
            .Where(name => name.StartsWith(prefix, StringComparison.Ordinal)).Order(StringComparer.Ordinal)
            .Select(name =>
            {
                using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
                return (int.Parse(name.AsSpan(prefix.Length, 4), NumberStyles.None, CultureInfo.InvariantCulture), reader.ReadToEnd().Trim().TrimEnd(';'));
            })];
    }
}

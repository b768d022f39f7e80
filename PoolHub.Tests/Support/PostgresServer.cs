using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Npgsql;
using PoolHub.Daemon.Storage.Postgres;

namespace PoolHub.Tests.Support;

/// <summary>
/// A PostgreSQL 15 of the tests' own: Debian's programs, a directory and a loopback port that nobody else has, never as
/// root. It ends with this program, also when that is killed. Started at the first use, and shared.
/// </summary>
internal sealed class PostgresServer : IDisposable
{
    private const string Nobody = "nobody";
    private const string Password = "the-servers-password";
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private static readonly SemaphoreSlim s_starting = new(1);
    private static PostgresServer? s_shared;
    private static int s_databases;

    private readonly string _directory = Directory.CreateTempSubdirectory("poolhub-postgres-").FullName;
    private readonly string[] _settings;
    private Process? _process;

    private PostgresServer(string[] settings) => _settings = settings;

    public int Port { get; } = FreePort();

    public string SocketDirectory => _directory;

    private static string Bin { get; } = Directory.Exists("/usr/lib/postgresql")
        ? Directory.EnumerateDirectories("/usr/lib/postgresql").Select(version => Path.Combine(version, "bin"))
            .Where(bin => File.Exists(Path.Combine(bin, "initdb"))).Order(StringComparer.Ordinal).LastOrDefault() ?? ""
        : "";

    private string Data => Path.Combine(_directory, "data");

    /// <summary>The one that all tests share, each with databases of its own.</summary>
    public static async Task<PostgresServer> SharedAsync()
    {
        await s_starting.WaitAsync(TestContext.Current.CancellationToken);
        try
        {
            if (s_shared is null)
            {
                s_shared = await StartAsync();
                AppDomain.CurrentDomain.ProcessExit += (_, _) => s_shared.Dispose();
            }
            return s_shared;
        }
        finally
        {
            _ = s_starting.Release();
        }
    }

    /// <summary>Another one, to be stopped and started by its test.</summary>
    /// <param name="settings">As in postgresql.conf, such as <c>fsync=off</c>.</param>
    public static async Task<PostgresServer> StartAsync(params string[] settings)
    {
        Assert.True(Bin.Length > 0, "PostgreSQL is not installed. On Debian: apt-get install postgresql. ./test does it.");
        var server = new PostgresServer(settings);
        try
        {
            if (Environment.IsPrivilegedProcess)
            {
                Run(new ProcessStartInfo("chown", [Nobody, server._directory]));
            }
            // Passwords have to be right, to see that they are and that nobody repeats them; but not through the socket.
            await File.WriteAllTextAsync(Path.Combine(server._directory, "password"), Password);
            Run(server.Unprivileged(
                "initdb", "-D", server.Data, "-U", "postgres", "--auth-local=trust", "--auth-host=scram-sha-256",
                "--pwfile", Path.Combine(server._directory, "password"), "-E", "UTF8", "--no-locale", "-N"));
            await server.LaunchAsync();
            return server;
        }
        catch
        {
            server.Dispose();
            throw;
        }
    }

    /// <summary>A new database that belongs to a role of the same name; the role may do nothing else.</summary>
    /// <returns>Its DSN as a URL.</returns>
    public async Task<string> CreateDatabaseAsync()
    {
        string name = $"hub{Interlocked.Increment(ref s_databases)}";
        await SqlAsync(Admin("postgres"), $"CREATE ROLE {name} LOGIN PASSWORD '{name}-p@ss/word'");
        await SqlAsync(Admin("postgres"), $"CREATE DATABASE {name}");
        await SqlAsync(Admin(name), $"CREATE SCHEMA poolhub AUTHORIZATION {name}");
        return $"postgresql://{name}:{name}-p%40ss%2Fword@127.0.0.1:{Port}/{name}";
    }

    /// <summary>Runs statements as the administrator in the database of a DSN.</summary>
    public Task<object?> SqlAsync(string dsn, string sql) => RunSqlAsync(dsn.StartsWith("Host=", StringComparison.Ordinal) ? dsn : Admin(dsn.Split('/')[^1]), sql);

    /// <summary>A DSN as Npgsql takes it.</summary>
    public static string Npgsql(string dsn)
    {
        Assert.True(PostgresDsn.TryParse(dsn, out PostgresDsn? read, out string? problem), problem);
        return read.ConnectionString;
    }

    /// <summary>From now on it also speaks TLS, with a certificate of the authority.</summary>
    public async Task UseTlsAsync(Certificates authority)
    {
        using X509Certificate2 certificate = authority.IssueHub();
        foreach ((string setting, string from) in ((string, string)[])[("ssl_cert_file", authority.CertFile), ("ssl_key_file", authority.KeyFile)])
        {
            string file = Path.Combine(_directory, Path.GetFileName(from));
            File.Copy(from, file);
            Run(new ProcessStartInfo("chmod", ["0600", file]));
            if (Environment.IsPrivilegedProcess)
            {
                Run(new ProcessStartInfo("chown", [Nobody, file]));
            }
            _ = await SqlAsync(Admin("postgres"), $"ALTER SYSTEM SET {setting} = '{file}'");
        }
        _ = await SqlAsync(Admin("postgres"), "ALTER SYSTEM SET ssl = on");
        _ = await SqlAsync(Admin("postgres"), "SELECT pg_reload_conf()");
    }

    /// <summary>Immediate shutdown: no goodbye, no checkpoint.</summary>
    public void Stop()
    {
        if (_process is { HasExited: false } process)
        {
            Run(new ProcessStartInfo("kill", ["-QUIT", $"{process.Id}"]));
            Assert.True(process.WaitForExit(s_patience));
        }
        _process?.Dispose();
        _process = null;
    }

    public async Task LaunchAsync()
    {
        _process = await StartThreadAsync(Unprivileged(
            "postgres", [
                "-D", Data, "-p", $"{Port}", "-c", "listen_addresses=127.0.0.1", "-c", $"unix_socket_directories={_directory}",
                "-c", "shared_buffers=64MB", "-c", "jit=off", "-c", "log_min_messages=fatal", "-c", "max_connections=200",
                .. _settings.SelectMany(s => (string[])["-c", s])]));
        var waited = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                _ = await RunSqlAsync(Admin("postgres"), "SELECT 1");
                return;
            }
            catch (NpgsqlException) when (!_process.HasExited && waited.Elapsed < s_patience)
            {
                await Task.Delay(20, TestContext.Current.CancellationToken);
            }
        }
    }

    public void Dispose()
    {
        Stop();
        if (Directory.Exists(_directory))
        {
            Directory.Delete(_directory, recursive: true);
        }
    }

    private string Admin(string database) => $"Host=127.0.0.1;Port={Port};Username=postgres;Password={Password};Database={database};Pooling=false;Timeout=5";

    private static async Task<object?> RunSqlAsync(string connectionString, string sql)
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync();
        // Only ever called with the texts of tests.
#pragma warning disable CA2100
        await using var command = new NpgsqlCommand(sql, connection);
#pragma warning restore CA2100
        return await command.ExecuteScalarAsync();
    }

    private ProcessStartInfo Unprivileged(string program, params string[] arguments)
    {
        string[] user = Environment.IsPrivilegedProcess ? [$"--reuid={Nobody}", "--regid=nogroup", "--clear-groups"] : [];
        return new ProcessStartInfo("setpriv", [.. user, "--pdeathsig=INT", "--", Path.Combine(Bin, program), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = _directory,
        };
    }

    /// <summary>The system sends the server its signal when the thread that started it ends: so that thread stays.</summary>
    private static Task<Process> StartThreadAsync(ProcessStartInfo start)
    {
        var started = new TaskCompletionSource<Process>(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(() =>
        {
            try
            {
                Process process = Process.Start(start)!;
                process.BeginErrorReadLine();
                started.SetResult(process);
                _ = process.StandardOutput.ReadToEnd();
            }
            catch (Exception e)
            {
                _ = started.TrySetException(e);
            }
        })
        { IsBackground = true }.Start();
        return started.Task;
    }

    private static void Run(ProcessStartInfo start)
    {
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        _ = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{start.FileName} {string.Join(' ', start.ArgumentList)}: {errors.Result}");
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}

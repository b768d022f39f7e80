using System.Diagnostics;
using PoolHub.Benchmarks.Children;

namespace PoolHub.Benchmarks.Peers;

/// <summary>PostgreSQL from Debian's package, on a port and with a directory of its own.</summary>
internal sealed class PostgresServer : IDisposable
{
    public const string User = "bench";
    public const string Database = "postgres";

    private readonly ServerProcess _server = new();

    private PostgresServer()
    {
    }

    public static bool IsInstalled => Bin is not null;

    public int Port => _server.Port;

    /// <summary>A directory that the server may read.</summary>
    public string Directory => _server.Directory;

    public string Dsn => $"postgresql://{User}@127.0.0.1:{Port}/{Database}?sslmode=disable";

    private static string? Bin { get; } = System.IO.Directory.Exists("/usr/lib/postgresql")
        ? System.IO.Directory.EnumerateDirectories("/usr/lib/postgresql").Select(version => Path.Combine(version, "bin"))
            .Where(bin => File.Exists(Path.Combine(bin, "initdb"))).Order(StringComparer.Ordinal).LastOrDefault()
        : null;

    /// <param name="settings">As in postgresql.conf, such as <c>fsync=off</c>.</param>
    /// <exception cref="FileNotFoundException">It is not installed.</exception>
    public static async Task<PostgresServer> StartAsync(params string[] settings)
    {
        string bin = Bin ?? throw new FileNotFoundException("PostgreSQL is not installed; on Debian: apt-get install postgresql");
        var postgres = new PostgresServer();
        try
        {
            string data = Path.Combine(postgres.Directory, "data");
            postgres._server.RunBeside(Path.Combine(bin, "initdb"), "-D", data, "-U", User, "-A", "trust", "-E", "UTF8", "--no-locale", "-N");
            await postgres._server.StartAsync(
                Path.Combine(bin, "postgres"), [
                    "-D", data, "-p", $"{postgres.Port}", "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
                    "-c", "shared_buffers=256MB", "-c", "jit=off", "-c", "log_min_messages=fatal", .. settings.SelectMany(s => (string[])["-c", s])]);
            await postgres.WaitUntilReadyAsync();
            return postgres;
        }
        catch
        {
            postgres.Dispose();
            throw;
        }
    }

    /// <summary>Runs statements one after the other, as its owner.</summary>
    public void Run(params string[] statements) => _ = LoadChild.Ask(
        new PostgresDialect(), Port, [PostgresDialect.Startup(User, Database), .. statements.Select(PostgresDialect.Query)]);

    /// <summary>Transactions of a script per second, as pgbench counts them, each connection with one under way.</summary>
    public double Pgbench(string script, int connections, int seconds)
    {
        string file = Path.Combine(Directory, "script.sql");
        File.WriteAllText(file, script);
        var start = new ProcessStartInfo(
            Path.Combine(Bin!, "pgbench"),
            ["-h", "127.0.0.1", "-p", $"{Port}", "-U", User, "-n", "-M", "prepared", "-f", file, "-c", $"{connections}", "-j", "2", "-T", $"{seconds}", Database])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process pgbench = Process.Start(start)!;
        Task<string> errors = pgbench.StandardError.ReadToEndAsync();
        string output = pgbench.StandardOutput.ReadToEnd();
        pgbench.WaitForExit();
        string? tps = output.Split('\n').FirstOrDefault(line => line.StartsWith("tps = ", StringComparison.Ordinal));
        return tps is null
            ? throw new IOException($"pgbench failed: {output}{errors.Result}")
            : double.Parse(tps.Split(' ')[2], System.Globalization.CultureInfo.InvariantCulture);
    }

    public void Dispose() => _server.Dispose();

    /// <summary>It takes connections a moment before it serves them.</summary>
    private async Task WaitUntilReadyAsync()
    {
        for (int tries = 0; ; tries++)
        {
            try
            {
                Run();
                return;
            }
            catch (Exception e) when (tries < 100 && e is IOException or InvalidDataException)
            {
                await Task.Delay(50);
            }
        }
    }
}

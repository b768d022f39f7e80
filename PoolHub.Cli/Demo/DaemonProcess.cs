using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using PoolHub.Cli.Shell;
using PoolHub.Protocol.Client;

namespace PoolHub.Cli.Demo;

/// <summary>A hub of the demo's own: a child process on free ports, with a state directory that goes with it.</summary>
internal sealed class DaemonProcess : IDisposable
{
    public const int LeaseSec = 4;
    public const int GraceSec = 2 * LeaseSec;
    private const int TailLines = 25;

    private readonly string _program;
    private readonly string _stateDir = Directory.CreateTempSubdirectory("poolhub-demo-").FullName;
    private readonly string _secret = RandomNumberGenerator.GetHexString(48);
    private readonly string _token = RandomNumberGenerator.GetHexString(48);
    private readonly (int Http, int Tcp) _ports = FreePorts();
    private readonly Queue<string> _tail = new();
    private Process? _process;

    public DaemonProcess(string program)
    {
        _program = program;
        Hub = new HubConnection(
            HubAddress.Parse(Invariant($"http://127.0.0.1:{_ports.Http}"), Invariant($"tcp://127.0.0.1:{_ports.Tcp}")),
            () => _secret,
            () => _token,
            () => _token);
    }

    public HubConnection Hub { get; }

    /// <summary>Since the process was last started.</summary>
    public Stopwatch SinceStart { get; } = new();

    public int Id => _process?.Id ?? 0;

    public bool IsRunning => _process is { HasExited: false };

    /// <summary>The last lines of its log.</summary>
    public string[] Tail
    {
        get
        {
            lock (_tail)
            {
                return [.. _tail];
            }
        }
    }

    /// <summary>Kilobytes of memory that it holds; null when it is not running or the system does not say.</summary>
    public long? ResidentKb
    {
        get
        {
            try
            {
                string? line = File.ReadLines(Invariant($"/proc/{Id}/status")).FirstOrDefault(
                    text => text.StartsWith("VmRSS:", StringComparison.Ordinal));
                return line is null ? null : long.Parse(line[6..].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture);
            }
            catch (IOException)
            {
                return null;
            }
        }
    }

    /// <summary>Starts it and waits until it answers.</summary>
    /// <returns>Milliseconds from the start of the process to its first answer.</returns>
    public async Task<double> StartAsync(CancellationToken cancel)
    {
        Start();
        HealthClient hub = Hub.Health();
        while (true)
        {
            try
            {
                _ = await hub.HealthAsync(cancel);
                return SinceStart.Elapsed.TotalMilliseconds;
            }
            catch (HubException e) when (IsRunning)
            {
                if (SinceStart.Elapsed > TimeSpan.FromSeconds(10))
                {
                    throw new CliException($"The hub runs but did not answer in 10 s: {e.Message}", e);
                }
                await Task.Delay(2, cancel);
            }
            catch (HubException e)
            {
                throw new CliException(Invariant($"The hub ended at once, with exit code {_process!.ExitCode}; its log says why."), e);
            }
        }
    }

    public void Start()
    {
        var start = new ProcessStartInfo(_program) { RedirectStandardError = true, RedirectStandardOutput = true, UseShellExecute = false };
        // Nothing of the surroundings may change what the demo shows.
        foreach (string name in start.Environment.Keys.Where(name => name is not ("PATH" or "HOME" or "LD_LIBRARY_PATH" or "TMPDIR")).ToArray())
        {
            _ = start.Environment.Remove(name);
        }
        foreach ((string name, string value) in Settings())
        {
            start.Environment[name] = value;
        }
        _process?.Dispose();
        _process = null;
        SinceStart.Restart();
        try
        {
            _process = Process.Start(start)!;
        }
        catch (Win32Exception e)
        {
            throw new CliException($"{_program} does not start: {e.Message}", e);
        }
        _process.OutputDataReceived += (_, line) => Note(line.Data);
        _process.ErrorDataReceived += (_, line) => Note(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>SIGKILL: the hub has no chance to save anything.</summary>
    public async Task KillAsync()
    {
        if (_process is { } process)
        {
            process.Kill();
            await process.WaitForExitAsync();
        }
    }

    public void Dispose()
    {
        Hub.Dispose();
        if (IsRunning)
        {
            _process!.Kill();
            _ = _process.WaitForExit(5000);
        }
        _process?.Dispose();
        try
        {
            Directory.Delete(_stateDir, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It lies in the system's temporary directory, which is cleaned anyway.
        }
    }

    private (string Name, string Value)[] Settings() =>
    [
        ("POOLHUB_BIND", "127.0.0.1"),
        ("POOLHUB_PORT", Invariant($"{_ports.Http}")),
        ("POOLHUB_MINER_PORT", Invariant($"{_ports.Tcp}")),
        ("POOLHUB_STATE_DIR", _stateDir),
        // Never the settings of a hub that is installed on this machine.
        ("POOLHUB_CONFIG", Path.Combine(_stateDir, "poolhub.env")),
        ("SESSION_TTL_SEC", Invariant($"{LeaseSec}")),
        ("HEARTBEAT_GRACE_SEC", Invariant($"{GraceSec}")),
        ("ENROLLMENT", "open"),
        ("COORDINATOR_SHARED_SECRET", _secret),
        ("ADMIN_TOKEN", _token),
        ("LOG_LEVEL", "info"),
    ];

    private void Note(string? line)
    {
        if (line is null)
        {
            return;
        }
        lock (_tail)
        {
            _tail.Enqueue(line);
            if (_tail.Count > TailLines)
            {
                _ = _tail.Dequeue();
            }
        }
    }

    private static (int Http, int Tcp) FreePorts()
    {
        using var one = new TcpListener(IPAddress.Loopback, 0);
        using var two = new TcpListener(IPAddress.Loopback, 0);
        one.Start();
        two.Start();
        return (((IPEndPoint)one.LocalEndpoint).Port, ((IPEndPoint)two.LocalEndpoint).Port);
    }

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);
}

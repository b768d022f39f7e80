using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace PoolHub.Benchmarks.Peers;

/// <summary>
/// A server of somebody else's, on a loopback port and with a directory of its own; both go when this does, and the
/// server also when this program is killed. Never runs as root. Servers end by SIGINT.
/// </summary>
internal sealed class ServerProcess : IDisposable
{
    private const string Nobody = "nobody";
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    private Process? _process;

    public ServerProcess()
    {
        if (Environment.IsPrivilegedProcess)
        {
            Run("chown", Nobody, Directory);
        }
    }

    public string Directory { get; } = System.IO.Directory.CreateTempSubdirectory("poolhub-bench-").FullName;

    public int Port { get; } = FreePort();

    /// <summary>Seconds of processor time that it has used so far.</summary>
    public double CpuSeconds => _process!.TotalProcessorTime.TotalSeconds;

    /// <summary>A program of that name in the search path or in one of these directories; null when there is none.</summary>
    public static string? Find(string program, params string[] directories) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Concat(directories)
            .Select(directory => Path.Combine(directory, program)).FirstOrDefault(File.Exists);

    /// <summary>Starts it and waits until it takes connections.</summary>
    public async Task StartAsync(string program, params string[] arguments)
    {
        _process = await LaunchAsync(Unprivileged(program, arguments));
        using var patience = new CancellationTokenSource(s_patience);
        while (true)
        {
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            try
            {
                await socket.ConnectAsync(IPAddress.Loopback, Port, patience.Token);
                return;
            }
            catch (SocketException) when (!_process.HasExited)
            {
                await Task.Delay(20, patience.Token);
            }
        }
    }

    /// <summary>Runs a program of the server's to its end, as the same user.</summary>
    public void RunBeside(string program, params string[] arguments) => Run(Unprivileged(program, arguments));

    public void Dispose()
    {
        if (_process is not null)
        {
            if (!_process.HasExited)
            {
                Run("kill", "-INT", $"{_process.Id}");
            }
            if (!_process.WaitForExit(s_patience))
            {
                _process.Kill(entireProcessTree: true);
            }
            _process.Dispose();
        }
        System.IO.Directory.Delete(Directory, recursive: true);
    }

    private ProcessStartInfo Unprivileged(string program, string[] arguments)
    {
        string[] user = Environment.IsPrivilegedProcess ? [$"--reuid={Nobody}", "--regid=nogroup", "--clear-groups"] : [];
        return new ProcessStartInfo("setpriv", [.. user, "--pdeathsig=INT", "--", program, .. arguments])
        {
            RedirectStandardOutput = true,
            WorkingDirectory = Directory,
        };
    }

    /// <summary>
    /// The system sends a server its signal when the thread that started it ends, not the program: so that thread stays
    /// for as long as the server does.
    /// </summary>
    private static Task<Process> LaunchAsync(ProcessStartInfo start)
    {
        var started = new TaskCompletionSource<Process>(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(() =>
        {
            try
            {
                Process process = Process.Start(start)!;
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

    private static void Run(string program, params string[] arguments) =>
        Run(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true });

    private static void Run(ProcessStartInfo start)
    {
        using Process process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            throw new IOException($"{start.FileName} {string.Join(' ', start.ArgumentList)} failed: {output}");
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}

using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using PoolHub.Protocol.Client;
using PoolHub.Protocol.Http;

namespace PoolHub.Tests.EndToEnd;

/// <summary>
/// The real daemon with a state directory and a settings file of its own, on free ports of the loopback. At its end it is
/// stopped, must have ended well, and must not have logged an error that the test did not expect.
/// </summary>
internal sealed partial class HubProcess : IAsyncDisposable
{
    public const string Secret = "the-tests-coordinator-secret";
    public const string Token = "the-tests-admin-token";

    private readonly string _directory = Directory.CreateTempSubdirectory("poolhub-test-").FullName;
    private readonly Dictionary<string, string> _settings = new()
    {
        ["ENROLLMENT"] = "open",
        ["COORDINATOR_SHARED_SECRET"] = Secret,
        ["ADMIN_TOKEN"] = Token,
    };
    private readonly List<string> _expectedErrors = [];
    private readonly List<string> _earlierLog = [];
    private HttpClient? _http;

    [SuppressMessage("Usage", "CA2213", Justification = "Its analysis does not follow the pattern that disposes it.")]
    private ChildProcess? _process;

    private bool _killed;

    private HubProcess()
    {
    }

    public string StateDir => Path.Combine(_directory, "state");
    public string ConfigPath => Path.Combine(_directory, "poolhub.env");
    public int HttpPort { get; private set; }
    public int TcpPort { get; private set; }
    public ChildProcess Process => _process!;

    /// <summary>A fresh one after each start: what was kept alive to the hub before would be broken.</summary>
    public HttpClient Http => _http!;
    public Uri HttpAddress => new($"http://127.0.0.1:{HttpPort}/");
    public AdminClient Admin => new(Http, Token);

    public CoordinatorClient Coordinator => new(Http, Secret);

    /// <summary>Everything that it has logged since it was last started.</summary>
    public string[] Log => Process.Errors;

    /// <param name="settings">Empty values take a setting away.</param>
    public static async Task<HubProcess> StartAsync(params (string Name, string Value)[] settings)
    {
        HubProcess hub = Prepare(settings);
        try
        {
            await hub.RestartAsync();
            return hub;
        }
        catch
        {
            await hub.DisposeAsync();
            throw;
        }
    }

    /// <summary>All but started.</summary>
    public static HubProcess Prepare(params (string Name, string Value)[] settings)
    {
        var hub = new HubProcess();
        hub.Set(settings);
        return hub;
    }

    /// <summary>Two ports that were free a moment ago.</summary>
    public void ChoosePorts()
    {
        using var http = new TcpListener(IPAddress.Loopback, 0);
        using var tcp = new TcpListener(IPAddress.Loopback, 0);
        http.Start();
        tcp.Start();
        (HttpPort, TcpPort) = (((IPEndPoint)http.LocalEndpoint).Port, ((IPEndPoint)tcp.LocalEndpoint).Port);
    }

    /// <summary>Writes the settings file anew.</summary>
    public void Set(params (string Name, string Value)[] settings)
    {
        foreach ((string name, string value) in settings)
        {
            _settings[name] = value;
        }
        File.WriteAllLines(ConfigPath, _settings.Where(s => s.Value.Length > 0).Select(s => $"{s.Key}={s.Value}"));
    }

    /// <summary>What the program gets from its surroundings; ports are the system's choice at the first start.</summary>
    public IEnumerable<(string Name, string Value)> Environment() =>
    [
        ("POOLHUB_CONFIG", ConfigPath),
        ("POOLHUB_STATE_DIR", StateDir),
        ("POOLHUB_PORT", $"{HttpPort}"),
        ("POOLHUB_MINER_PORT", $"{TcpPort}"),
    ];

    /// <summary>Starts it without waiting.</summary>
    public void Launch()
    {
        _earlierLog.AddRange(_process?.Errors ?? []);
        _killed = false;
        _process = ChildProcess.Start(Programs.Daemon, [], Environment());
    }

    /// <summary>Starts it, on the ports that it had before, and waits until it is ready.</summary>
    public async Task RestartAsync()
    {
        Launch();
        Match ready = ReadyLine().Match(await Process.LineAsync("is ready:"));
        Assert.True(ready.Success, Log[0]);
        (HttpPort, TcpPort) = (int.Parse(ready.Groups["http"].Value), int.Parse(ready.Groups["tcp"].Value));
        _http?.Dispose();
        _http = new HttpClient { BaseAddress = HttpAddress, Timeout = 3 * Eventually.Patience };
    }

    /// <summary>SIGTERM; gives its status.</summary>
    public Task<int> StopAsync()
    {
        Process.Send(Signal.Terminate);
        return Process.ExitAsync();
    }

    /// <summary>SIGKILL: it has no chance to save anything.</summary>
    public Task KillAsync()
    {
        _killed = true;
        Process.Send(Signal.Kill);
        return Process.ExitAsync();
    }

    /// <summary>SIGHUP; waits until it says what became of it.</summary>
    public Task<string> ReloadAsync(string expected)
    {
        int said = Log.Length;
        Process.Send(Signal.Hangup);
        return Process.LineAsync(expected, after: said);
    }

    public Task<MatchResponse> MatchAsync(
        MatchHints? hints = null, MatchRequirements? requirements = null, string? weights = null, string? explain = null) =>
        Coordinator.MatchAsync(
            new MatchRequest { JobId = "job-1", TopK = 100, Hints = hints, Requirements = requirements, Weights = weights, Explain = explain });

    /// <summary>Reports a job for which a match had given everybody, as far as they can be offered.</summary>
    public async Task<FeedbackResponse> ReportAsync(string job, string miner, string outcome, string? failCode = null)
    {
        _ = await Coordinator.MatchAsync(new MatchRequest { JobId = job, TopK = 100 });
        return await Coordinator.FeedbackAsync(new FeedbackRequest { JobId = job, MinerId = miner, Outcome = outcome, FailCode = failCode });
    }

    public Task<HealthResponse> HealthAsync() => new HealthClient(_http!).HealthAsync();

    public Task<MinerSnapshot> MinerAsync(string minerId) => Admin.GetMinerAsync(minerId);

    /// <summary>Waits until the miner is in this state; it need not be known yet.</summary>
    public Task<string> StateAsync(string minerId, string wanted) => Eventually.SeeAsync(
        async () =>
        {
            try
            {
                return (await MinerAsync(minerId)).State;
            }
            catch (HubException e) when (e.StatusCode == HttpStatusCode.NotFound)
            {
                return "unknown";
            }
        },
        state => state == wanted);

    /// <summary>Errors in the log that hold this text are part of the test.</summary>
    public void ExpectError(string text) => _expectedErrors.Add(text);

    public Uri MinerAddress(string scheme) =>
        new(scheme == "tcp" ? $"tcp://127.0.0.1:{TcpPort}" : $"{scheme}://127.0.0.1:{HttpPort}");

    public async ValueTask DisposeAsync()
    {
        _http?.Dispose();
        if (_process is { } process)
        {
            try
            {
                int status = process.HasExited || _killed ? await process.ExitAsync() : await StopAsync();
                Assert.True(status == 0 || _killed, $"the hub ended with status {status}");
                string[] errors = [.. _earlierLog.Concat(Log)
                    .Where(l => l.StartsWith("fail:", StringComparison.Ordinal) || l.StartsWith("crit:", StringComparison.Ordinal))
                    .Where(l => !_expectedErrors.Exists(e => l.Contains(e, StringComparison.Ordinal)))];
                Assert.True(errors.Length == 0, string.Join('\n', errors));
            }
            finally
            {
                TestContext.Current.TestOutputHelper?.WriteLine(string.Join('\n', _earlierLog.Concat(Log)));
                await process.DisposeAsync();
                Directory.Delete(_directory, recursive: true);
            }
        }
        else
        {
            Directory.Delete(_directory, recursive: true);
        }
    }

    [GeneratedRegex(@"is ready: HTTP on 127\.0\.0\.1:(?<http>\d+), miners on 127\.0\.0\.1:(?<tcp>\d+)$", RegexOptions.ExplicitCapture)]
    private static partial Regex ReadyLine();
}

using System.Net;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;
using PoolHub.Daemon;
using PoolHub.Daemon.Operations;
using PoolHub.Daemon.Settings;
using PoolHub.Daemon.Storage.Sqlite;
using PoolHub.Protocol;
using PoolHub.Protocol.Http;
using PoolHub.Protocol.Wire;

namespace PoolHub.Tests.Support;

/// <summary>A whole hub in this process, with a fresh state directory and a clock that the test moves.</summary>
internal sealed class TestHub : IAsyncDisposable
{
    /// <summary>Only a failing test ever waits as long.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    public const string CoordinatorSecret = "coordinator-secret-1";
    public const string SecondCoordinatorSecret = "coordinator-secret-2";
    public const string AdminToken = "admin-token-0123456789";

    private readonly List<IAsyncDisposable> _clients = [];
    private readonly string _dir = Directory.CreateTempSubdirectory("poolhub-hub-").FullName;
    private Dictionary<string, string> _environment = [];
    private Hub? _hub;
    private HubClient? _http;

    public HandClock Time { get; } = new();
    public LogCollector Logs { get; } = new();

    /// <summary>What systemd would have been told.</summary>
    public RecordingNotifier Systemd { get; } = new();
    public Hub Hub => _hub!;

    /// <summary>Where its doors are reached from here, also when they are open to the network.</summary>
    public IPEndPoint HttpEndPoint => Reach(Hub.HttpEndPoint);
    public IPEndPoint TcpEndPoint => Reach(Hub.TcpEndPoint);

    /// <summary>Calls the hub without credentials.</summary>
    public HubClient Http => _http!;
    public HubClient Admin => new(Http, AdminToken);
    public HubClient Coordinator => new(Http, CoordinatorSecret);

    public string StateDir => Path.Combine(_dir, "state");

    public static async Task<TestHub> StartAsync(params (string Name, string Value)[] settings)
    {
        var hub = new TestHub();
        await hub.StartHubAsync(settings);
        return hub;
    }

    /// <summary>Stops the hub and starts another on the same state directory.</summary>
    public async Task RestartAsync(params (string Name, string Value)[] settings)
    {
        await StopAsync();
        await StartHubAsync(settings);
    }

    /// <summary>As on SIGHUP, with some settings changed. Returns what is wrong.</summary>
    public IReadOnlyList<string> Reload(params (string Name, string Value)[] settings)
    {
        foreach ((string name, string value) in settings)
        {
            _environment[name] = value;
        }
        return Hub.Reload.Run(ReadSettings);
    }

    /// <summary>Returns when so many connections are in.</summary>
    public Task UntilConnectedAsync(int count) => UntilAsync(() => Hub.Gate.Connections == count);

    /// <summary>Returns when so many have come in, gone or been refused.</summary>
    public Task UntilPassedAsync(long passages) => UntilAsync(() => Hub.Gate.Passages >= passages);

    /// <summary>Returns when all but so many of the open connections have sent something.</summary>
    public Task UntilWaitingAsync(int count) => UntilAsync(() => Hub.Doors.Waiting == count);

    /// <summary>Returns when so many sockets of miners are open and, where there is TLS, have it behind them.</summary>
    public Task UntilConversingAsync(int count) => UntilAsync(() => Hub.Conversations.Count == count);

    /// <summary>Moves the clock and lets the hub look at it.</summary>
    public void Advance(TimeSpan time)
    {
        Time.Advance(time);
        Hub.SweepLoop.Sweep();
    }

    public void AdvanceSec(double seconds) => Advance(TimeSpan.FromSeconds(seconds));

    public async Task<TcpMiner> ConnectAsync()
    {
        TcpMiner miner = await TcpMiner.ConnectAsync(TcpEndPoint);
        _clients.Add(miner);
        return miner;
    }

    /// <summary>A miner that has its key and is live over TCP.</summary>
    public async Task<TcpMiner> EnrolAsync(string minerId)
    {
        string key = await IssueKeyAsync(minerId);
        TcpMiner miner = await ConnectAsync();
        await miner.EnrolAsync(minerId, key);
        return miner;
    }

    public async Task<TcpMiner> ResumeAsync(string minerId, string token)
    {
        TcpMiner miner = await ConnectAsync();
        await miner.SendAsync(new Hello(1, [], minerId, null, token));
        miner.Welcome = await miner.ExpectAsync<Welcome>();
        Assert.True(miner.Welcome.Resumed);
        return miner;
    }

    public async Task<WsMiner> ConnectWebAsync(string? token = null, bool inHeader = true)
    {
        WsMiner miner = await WsMiner.ConnectAsync(HttpEndPoint, token, inHeader);
        _clients.Add(miner);
        return miner;
    }

    public async Task<string> IssueKeyAsync(string minerId)
    {
        Answer answer = await Admin.PostAsync($"/v1/miners/{minerId}/key");
        return answer.Expect(200).Text("api_key");
    }

    /// <summary>Registers over HTTP and returns the session's token.</summary>
    public async Task<string> RegisterAsync(string minerId, string? key = null) =>
        (await Http.PostAsync("/v1/miners/register", Samples.Registration(minerId, key ?? await IssueKeyAsync(minerId))))
            .Expect(200).Text("session_token");

    /// <summary>What the admin sees of the miner.</summary>
    public async Task<Answer> ShowAsync(string minerId) => (await Admin.GetAsync($"/v1/miners/{minerId}")).Expect(200);

    public async Task<string> StateAsync(string minerId) => (await ShowAsync(minerId)).Text("state");

    /// <summary>
    /// Returns when the miner is seen in this state. For what follows from the end of a socket, which nothing tells.
    /// </summary>
    public async Task UntilAsync(string minerId, string state)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (await StateAsync(minerId) != state)
        {
            patience.Token.ThrowIfCancellationRequested();
        }
    }

    public async Task<string[]> MatchAsync(string jobId = "job")
    {
        Answer answer = (await Coordinator.PostAsync("/v1/match", $$"""{"job_id":"{{jobId}}","top_k":100}""")).Expect(200);
        return [.. answer.Read(HubJson.Default.MatchResponse).Candidates.Select(c => c.MinerId)];
    }

    public async Task<string> MetricAsync(string series)
    {
        string text = (await Http.GetAsync("/v1/metrics")).Expect(200).Body;
        return text.Split('\n').Single(l => l.StartsWith(series + " ", StringComparison.Ordinal))[(series.Length + 1)..];
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (!condition())
        {
            await Task.Delay(1, patience.Token);
        }
    }

    /// <summary>Returns when the hub is rid of as many sockets that it closed for this reason.</summary>
    public async Task EndedAsync(CloseReason reason, int times)
    {
        using var patience = new CancellationTokenSource(Patience);
        string wanted = $"ended: {reason.Name()}";
        while (Logs.Count(wanted) < times)
        {
            patience.Token.ThrowIfCancellationRequested();
            // Whatever it answers, it has had a turn.
            _ = await Http.GetAsync("/v1/health");
        }
        Hub.SweepLoop.Sweep();
    }

    /// <summary>From now on the store refuses every write of a miner and of feedback.</summary>
    public void BreakStore()
    {
        Logs.Expect("a commit of");
        Sql("""
            CREATE TRIGGER no_miner BEFORE INSERT ON miners BEGIN SELECT RAISE(ABORT, 'disk full'); END;
            CREATE TRIGGER no_change BEFORE UPDATE ON miners BEGIN SELECT RAISE(ABORT, 'disk full'); END;
            CREATE TRIGGER no_feedback BEFORE INSERT ON feedback BEGIN SELECT RAISE(ABORT, 'disk full'); END;
            """);
    }

    public void MendStore() => Sql("DROP TRIGGER no_miner; DROP TRIGGER no_change; DROP TRIGGER no_feedback;");

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Directory.Delete(_dir, recursive: true);
        Logs.AssertNoOther();
    }

    private async Task StartHubAsync((string Name, string Value)[] settings)
    {
        _environment = new Dictionary<string, string>
        {
            ["POOLHUB_CONFIG"] = Path.Combine(_dir, "none.env"),
            ["POOLHUB_STATE_DIR"] = StateDir,
            ["POOLHUB_PORT"] = "0",
            ["POOLHUB_MINER_PORT"] = "0",
            ["COORDINATOR_SHARED_SECRET"] = $"{CoordinatorSecret},{SecondCoordinatorSecret}",
            ["ADMIN_TOKEN"] = AdminToken,
        };
        foreach ((string name, string value) in settings)
        {
            _environment[name] = value;
        }
        HubSettings? read = ReadSettings(out IReadOnlyList<string> problems);
        Assert.Empty(problems);
        _hub = await Hub.StartAsync(read!, Time, new LogLevelSwitch(LogLevel.Debug), logging => logging.AddProvider(Logs), systemd: Systemd);
        _http = new HubClient(new Uri($"http://{HttpEndPoint}"));
    }

    private static IPEndPoint Reach(IPEndPoint door) => door.Address.Equals(IPAddress.Any) ? new IPEndPoint(IPAddress.Loopback, door.Port) : door;

    private HubSettings? ReadSettings(out IReadOnlyList<string> problems) =>
        HubSettings.Read(SettingsSource.Load(null, _environment), out problems);

    private async Task StopAsync()
    {
        // First, since a hub that stops waits for its miners to go.
        foreach (IAsyncDisposable client in _clients)
        {
            await client.DisposeAsync();
        }
        _clients.Clear();
        _http?.Dispose();
        if (_hub is not null)
        {
            await _hub.DisposeAsync();
        }
    }

    private void Sql(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={Path.Combine(StateDir, "poolhub.db")};Pooling=False");
        connection.Open();
        SqliteFile.Execute(connection, sql);
    }
}

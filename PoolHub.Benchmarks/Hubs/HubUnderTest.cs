using PoolHub.Benchmarks.Fleets;
using PoolHub.Daemon;
using PoolHub.Daemon.Operations;
using PoolHub.Daemon.Settings;

namespace PoolHub.Benchmarks.Hubs;

/// <summary>A whole hub in this process, on free ports, with a state directory that goes with it.</summary>
internal sealed class HubUnderTest : IAsyncDisposable
{
    public const string Secret = "coordinator-secret-1";

    private readonly string _directory;

    private HubUnderTest(string directory, Hub hub) => (_directory, Hub) = (directory, hub);

    public Hub Hub { get; }
    public int HttpPort => Hub.HttpEndPoint.Port;
    public int MinerPort => Hub.TcpEndPoint.Port;

    /// <param name="more">Maps routes of the benchmark's own beside the hub's.</param>
    /// <param name="dsn">PostgreSQL as its store; SQLite when null.</param>
    public static async Task<HubUnderTest> StartAsync(Action<IEndpointRouteBuilder>? more = null, string? dsn = null)
    {
        string directory = Directory.CreateTempSubdirectory("poolhub-bench-").FullName;
        try
        {
            var environment = new Dictionary<string, string>
            {
                // Never the settings of a hub that is installed on this machine.
                ["POOLHUB_CONFIG"] = Path.Combine(directory, "none.env"),
                ["POOLHUB_STATE_DIR"] = Path.Combine(directory, "state"),
                ["POOLHUB_PORT"] = "0",
                ["POOLHUB_MINER_PORT"] = "0",
                ["COORDINATOR_SHARED_SECRET"] = Secret,
                ["ADMIN_TOKEN"] = "admin-token-0123456789",
                ["ENROLLMENT"] = "open",
                // Counted, and never met.
                ["MATCH_RATE_LIMIT"] = "1000000",
                ["FEEDBACK_RATE_LIMIT"] = "1000000",
                ["HELLO_RATE_LIMIT"] = "1000000",
                ["FRAME_RATE_LIMIT"] = "1000000000",
                ["BYTE_RATE_LIMIT"] = "1000000000",
                ["DB_DSN"] = dsn ?? "",
                // Miners that were put in beside the socket send no heartbeats.
                ["SESSION_TTL_SEC"] = "3600",
                ["HEARTBEAT_GRACE_SEC"] = "7200",
            };
            HubSettings settings = HubSettings.Read(SettingsSource.Load(null, environment), out IReadOnlyList<string> problems)
                ?? throw new InvalidOperationException(string.Join("; ", problems));
            return new HubUnderTest(
                directory, await Hub.StartAsync(settings, TimeProvider.System, new LogLevelSwitch(settings.LogLevel), _ => { }, more));
        }
        catch
        {
            Directory.Delete(directory, recursive: true);
            throw;
        }
    }

    /// <summary>Puts miners in beside the sockets, and ranks their latencies.</summary>
    public async Task EnterAsync(IEnumerable<FleetMiner> fleet)
    {
        await FleetRegistration.EnterAsync(Hub.Registry, fleet);
        Hub.SweepLoop.Sweep();
    }

    public async ValueTask DisposeAsync()
    {
        await Hub.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }
}

using PoolHub.Benchmarks.Children;
using PoolHub.Benchmarks.Harness;
using PoolHub.Benchmarks.Hubs;
using PoolHub.Benchmarks.Peers;

namespace PoolHub.Benchmarks.Heartbeats;

/// <summary>
/// Heartbeats over TCP as fast as the hub takes them, for each second of processor time that it spends; and what Redis
/// does with the same fields as HSETs. Who sends is a process of its own.
/// </summary>
internal sealed class HeartbeatScenario(int connections) : Scenario(OfHub(connections), OfRedis(connections))
{
    public override async Task RunAsync(Bench bench)
    {
        using ServerProcess? redis = RedisServer.IsInstalled ? await RedisServer.StartAsync() : null;
        await using HubUnderTest hub = await HubUnderTest.StartAsync();
        // One connection is never short of work with large blocks; many must not fill the sockets.
        string together = connections == 1 ? "1024" : "64";
        await using Child miners = await Child.StartAsync(HeartbeatChild.Name, "hub", $"{hub.MinerPort}", $"{connections}", together);
        await using Child? clients = redis is null ? null
            : await Child.StartAsync(HeartbeatChild.Name, "redis", $"{redis.Port}", $"{connections}", together);
        Rates ours = new();
        Rates theirs = new();
        int stretchMs = bench.Quick ? 1_200 : 4_000;
        for (int i = 0; i < 4; i++)
        {
            // The first round warms up.
            await MeasureAsync(miners, () => Environment.CpuUsage.TotalTime.TotalSeconds, stretchMs, i > 0 ? ours : new Rates());
            if (clients is not null)
            {
                await MeasureAsync(clients, () => redis!.CpuSeconds, stretchMs, i > 0 ? theirs : new Rates());
            }
        }
        bench.Report(new Figure(
            OfHub(connections), $"{Units.Rate(ours.PerCore.Median)} a core, {Units.Rate(ours.PerSec.Median)} in all", "",
            ours.PerCore.Median / 1e6, "M/s"));
        bench.Report(redis is null
            ? Figure.Skip(OfRedis(connections), $"{RedisServer.Program} is not installed")
            : new Figure(
                OfRedis(connections), Units.Rate(ours.PerCore.Median),
                $"HSET {Units.Rate(theirs.PerCore.Median)} a core, {Units.Rate(theirs.PerSec.Median)} in all",
                ours.PerCore.Median / theirs.PerCore.Median));
    }

    private static async Task MeasureAsync(Child child, Func<double> cpuSeconds, int ms, Rates rates)
    {
        child.Tell($"flood {ms}");
        await child.ExpectAsync("begun");
        double before = cpuSeconds();
        (long applied, double seconds) = await child.HearCountAsync();
        rates.PerCore.Add(applied / (cpuSeconds() - before));
        rates.PerSec.Add(applied / seconds);
    }

    private static string OfHub(int connections) => $"heartbeats a core, {Sockets(connections)}";
    private static string OfRedis(int connections) => $"heartbeats / redis HSET, {Sockets(connections)}";
    private static string Sockets(int connections) => connections == 1 ? "1 socket" : $"{connections:N0} sockets";

    private sealed class Rates
    {
        public Samples PerCore { get; } = new();
        public Samples PerSec { get; } = new();
    }
}

using Microsoft.Extensions.Logging.Abstractions;
using PoolHub.Benchmarks.Fleets;
using PoolHub.Benchmarks.Harness;
using PoolHub.Daemon.Matching;
using PoolHub.Daemon.Registry;
using PoolHub.Daemon.Storage;
using PoolHub.Daemon.Trust;

namespace PoolHub.Benchmarks.Memory;

/// <summary>What one miner keeps on the heap in the registry and in the index, wired as the hub wires them.</summary>
internal sealed class MemoryScenario() : Scenario(Row)
{
    private const string Row = "memory of one miner";
    private const int Miners = 100_000;

    public override async Task RunAsync(Bench bench)
    {
        string directory = Directory.CreateTempSubdirectory("poolhub-bench-").FullName;
        try
        {
            await using SqliteHubStore store = SqliteHubStore.Open(directory, TimeProvider.System, NullLogger<SqliteHubStore>.Instance);
            var index = new MatchIndex(TimeProvider.System);
            var holds = new HoldBook(index, TimeProvider.System);
            var trust = new TrustBook(new TrustModel(new TrustOptions()), store, TimeProvider.System, () => index.Count);
            var registry = new MinerRegistry(new RegistryOptions(LeaseTtlSec: 3_600, GraceSec: 7_200), index, holds, trust, store, TimeProvider.System);
            var generator = new FleetGenerator(seed: 1);
            // Whatever is made once, and by the store's and the runtime's own first steps, is nobody's share.
            await FleetRegistration.EnterAsync(registry, generator.Take(1_000));
            _ = registry.Sweep();
            long before = Settle();
            await FleetRegistration.EnterAsync(registry, generator.Take(Miners));
            _ = registry.Sweep();
            // The sweep that follows writes statuses; what it holds meanwhile is not the miners' either.
            await store.SaveStatusesAsync(registry.TakeDirty());
            long after = Settle();
            GC.KeepAlive(registry);
            bench.Report(new Figure(Row, $"{Miners:N0} miners, {(after - before) / 1e6:0.#} MB", "", (double)(after - before) / Miners, "B"));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static long Settle()
    {
        long bytes = GC.GetTotalMemory(forceFullCollection: true);
        for (int i = 0; i < 3; i++)
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: true);
            bytes = Math.Min(bytes, GC.GetTotalMemory(forceFullCollection: true));
        }
        return bytes;
    }
}

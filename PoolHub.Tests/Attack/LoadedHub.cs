using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using PoolHub.Daemon.Storage;
using PoolHub.Tests.EndToEnd;

namespace PoolHub.Tests.Attack;

/// <summary>The published hub with a fleet that it has from its store, and two coordinators.</summary>
internal static class LoadedHub
{
    /// <summary>Of the one who attacks; the other has <see cref="HubProcess.Secret"/>.</summary>
    public const string Attacker = "the-attackers-secret-123";

    /// <param name="miners">How many; all are offered from the start on.</param>
    /// <param name="settings">Beside the coordinators.</param>
    public static async Task<HubProcess> StartAsync(int miners, params (string Name, string Value)[] settings)
    {
        HubProcess hub = HubProcess.Prepare(
            [("COORDINATOR_SHARED_SECRET", $"victim:{HubProcess.Secret},attacker:{Attacker}"), ("HEARTBEAT_GRACE_SEC", "3600"), .. settings]);
        try
        {
            await using (SqliteHubStore store = SqliteHubStore.Open(hub.StateDir, TimeProvider.System, NullLogger<SqliteHubStore>.Instance))
            {
                _ = await ((IStoreArchive)store).ImportAsync(
                    Enumerable.Range(0, miners).Select(Make).Chunk(5_000).Select(some => new ArchiveBatch(some, [], [])));
            }
            await hub.RestartAsync();
            return hub;
        }
        catch
        {
            await hub.DisposeAsync();
            throw;
        }
    }

    /// <summary>How busy the machine is, beside what is measured.</summary>
    public static double Load() =>
        double.Parse(File.ReadAllText("/proc/loadavg").Split(' ')[0], CultureInfo.InvariantCulture);

    private static StoredMiner Make(int i)
    {
        string id = $"rig-{i:000000}";
        DateTimeOffset seen = DateTimeOffset.UtcNow.AddSeconds(-5);
        return new StoredMiner(
            id, Samples.Profile(vramGb: i % 80, price: i % 1_000 / 1_000m, region: $"eu-west-{i % 20}"), 1, 1, new StoredKeys([(byte)i]),
            TrustState.None with { Good = i % 7, At = seen }, new StoredStatus(id, 0, false, 100, 50, 10.5, seen), seen.AddDays(-1), seen);
    }
}

using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using PoolHub.Benchmarks.Harness;
using PoolHub.Benchmarks.Peers;
using PoolHub.Daemon.Storage;
using PoolHub.Daemon.Storage.Postgres;

namespace PoolHub.Benchmarks.Storage;

/// <summary>
/// The status of every miner of a large fleet written behind, as after each of them sent a heartbeat. The hub's writer and
/// the database work by turns, so what it takes is at most that much of one core.
/// </summary>
internal sealed class StatusScenario() : Scenario(Sqlite, Postgres)
{
    private const string Sqlite = "statuses of 100,000 in SQLite";
    private const string Postgres = "statuses of 100,000 in PostgreSQL";
    private const int Miners = 100_000;

    public override async Task RunAsync(Bench bench)
    {
        string directory = Directory.CreateTempSubdirectory("poolhub-bench-").FullName;
        try
        {
            await using SqliteHubStore store = SqliteHubStore.Open(directory, TimeProvider.System, NullLogger<SqliteHubStore>.Instance);
            await MeasureAsync(bench, Sqlite, store);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
        if (!PostgresServer.IsInstalled)
        {
            bench.Report(Figure.Failed(Postgres, FeedbackScenario.Missing));
            return;
        }
        using PostgresServer server = await PostgresServer.StartAsync();
        _ = PostgresDsn.TryParse(server.Dsn, out PostgresDsn? dsn, out _);
        await using PostgresHubStore database = await PostgresHubStore.OpenAsync(dsn!, TimeProvider.System, NullLogger<PostgresHubStore>.Instance);
        await MeasureAsync(bench, Postgres, database);
    }

    private static async Task MeasureAsync(Bench bench, string row, IHubStore store)
    {
        DateTimeOffset now = DateTimeOffset.UtcNow;
        foreach (int[] chunk in Enumerable.Range(0, Miners).Chunk(4_096))
        {
            await Task.WhenAll(chunk.Select(i => store.SaveKeysAsync($"bench-{i:000000}", new StoredKeys([1]), now)));
        }
        Samples seconds = new();
        for (int round = 0; round < (bench.Quick ? 3 : 6); round++)
        {
            StoredStatus[] batch = [.. Enumerable.Range(0, Miners).Select(
                i => new StoredStatus($"bench-{i:000000}", i % 4, i % 2 == 0, 100 + round, 60, 4.5, now.AddSeconds(round)))];
            long begin = Stopwatch.GetTimestamp();
            await store.SaveStatusesAsync(batch);
            seconds.Add(Stopwatch.GetElapsedTime(begin).TotalSeconds);
        }
        bench.Report(new Figure(row, Units.Time(seconds.Median * 1e6), "", seconds.Median, "s"));
    }
}

using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using PoolHub.Daemon.Storage;
using PoolHub.Daemon.Storage.Postgres;
using PoolHub.Tests.Support;
using static PoolHub.Tests.Storage.StoreSamples;

namespace PoolHub.Tests.Storage;

/// <summary>A database of an older version opens with all that it holds, or stays as it was.</summary>
public sealed class PostgresMigrationTests : IAsyncLifetime
{
    private const string Rows = """
        INSERT INTO poolhub.miners (miner_id, created_at) VALUES ('revoked', now());
        INSERT INTO poolhub.miners (miner_id, created_at, api_key_hash, epoch, registered_epoch, addr, proto, gpu_vram_gb, gpu_name, cpu_cores,
          ram_gb, max_parallel, base_price, tags, capabilities, accel, region)
        VALUES ('m', now(), '\x01', 3, 3, 'h:1', 'http', 24, 'RTX 4090', 16, 64, 4, 0.75, '["a"]', '["b"]', '["cuda"]', 'eu');
        INSERT INTO poolhub.miner_status (miner_id, queue_len, busy, updated_at) VALUES ('m', 2, true, now());
        INSERT INTO poolhub.feedback (job_id, miner_id, outcome, created_at) VALUES ('j', 'm', 'completed', now());
        """;

    [SuppressMessage("Usage", "CA2213", Justification = "All tests share it.")]
    private PostgresServer _server = null!;
    private string _dsn = "";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _server = await PostgresServer.SharedAsync();
        _dsn = await _server.CreateDatabaseAsync();
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task Database_of_version_1_opens_with_all_that_it_holds()
    {
        await WriteVersionAsync(1);
        await using PostgresHubStore store = await OpenAsync();
        IReadOnlyList<StoredMiner> miners = await store.LoadAsync(Cancel);
        Assert.NotNull(miners.Single(it => it.MinerId == "revoked").Keys.RevokedAt);
        StoredMiner miner = miners.Single(it => it.MinerId == "m");
        Assert.Null(miner.Keys.RevokedAt);
        Assert.Equal([1], miner.Keys.Current);
        Assert.Equal(("h:1", "RTX 4090", "eu"), (miner.Profile!.Addr, miner.Profile.GpuName, miner.Profile.Region));
        Assert.Equal((3, 2), (miner.Epoch, miner.Status!.Value.QueueLen));
        Assert.False((await store.RecordFeedbackAsync(Feedback("j"), _ => throw new InvalidTimeZoneException())).Recorded);
        Assert.Equal((long)PostgresMigrations.Newest, await _server.SqlAsync(_dsn, "SELECT count(*) FROM poolhub.schema_version"));
    }

    [Fact]
    public async Task Database_of_version_2_opens_with_its_miners_and_keeps_who_drains()
    {
        await WriteVersionAsync(2);
        await using PostgresHubStore store = await OpenAsync();
        StoredMiner miner = (await store.LoadAsync(Cancel)).Single(it => it.MinerId == "m");
        Assert.Equal((3, 3, false, false), (miner.Epoch, miner.RegisteredEpoch, miner.HasLeft, miner.Draining));
        await store.SaveDrainingAsync("m", true);
        StoredFeedback report = Assert.Single(await store.ReadFeedbackAsync("m", long.MaxValue, 10, Cancel)).Feedback;
        Assert.Equal(("default", "j", true), (report.Coordinator, report.JobId, report.Matched));
        Assert.True((await store.RecordFeedbackAsync(Feedback("j") with { Coordinator = "alice" }, state => state)).Recorded);
        Assert.Equal(["m"], (await store.LoadAsync(Cancel)).Where(it => it.Draining).Select(it => it.MinerId));
    }

    [Fact]
    public async Task Step_that_fails_leaves_nothing_behind_and_is_taken_when_it_can_be()
    {
        await WriteVersionAsync(1);
        await RunAsync("ALTER TABLE poolhub.miner_status ADD COLUMN key_used_at timestamptz");
        StoreRefusedException refusal = await Assert.ThrowsAsync<StoreRefusedException>(OpenAsync);
        Assert.Contains("\"key_used_at\" of relation \"miner_status\" already exists", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(1, await _server.SqlAsync(_dsn, "SELECT max(version) FROM poolhub.schema_version"));
        Assert.Equal(0L, await _server.SqlAsync(_dsn, "SELECT count(*) FROM pg_tables WHERE schemaname = 'poolhub' AND tablename = 'audit'"));
        await RunAsync("ALTER TABLE poolhub.miner_status DROP COLUMN key_used_at");
        await using PostgresHubStore store = await OpenAsync();
        Assert.Equal(2, (await store.LoadAsync(Cancel)).Count);
    }

    private Task<PostgresHubStore> OpenAsync()
    {
        Assert.True(PostgresDsn.TryParse(_dsn, out PostgresDsn? read, out string? problem), problem);
        return PostgresHubStore.OpenAsync(read, TimeProvider.System, NullLogger<PostgresHubStore>.Instance, cancel: Cancel);
    }

    private async Task WriteVersionAsync(int version)
    {
        await RunAsync("CREATE TABLE poolhub.schema_version (version integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())");
        System.Reflection.Assembly program = typeof(PostgresMigrations).Assembly;
        // A step that has been released is never edited, so the program's own are what an older version took.
        string[] steps = [.. program.GetManifestResourceNames().Where(name => name.StartsWith("migrations/", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal).Take(version)];
        for (int i = 0; i < version; i++)
        {
            using var step = new StreamReader(program.GetManifestResourceStream(steps[i])!);
            await RunAsync($"{await step.ReadToEndAsync(Cancel)}; INSERT INTO poolhub.schema_version (version) VALUES ({i + 1})");
        }
        await RunAsync(Rows);
    }

    /// <summary>As the hub's own role.</summary>
    private async Task RunAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(PostgresServer.Npgsql(_dsn));
        await connection.OpenAsync(Cancel);
        // Only ever called with the texts above.
#pragma warning disable CA2100
        await using var command = new NpgsqlCommand(sql, connection);
#pragma warning restore CA2100
        _ = await command.ExecuteNonQueryAsync(Cancel);
    }
}

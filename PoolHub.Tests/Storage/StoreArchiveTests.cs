using Microsoft.Extensions.Logging.Abstractions;
using PoolHub.Daemon.Storage;
using static PoolHub.Tests.Storage.StoreSamples;

namespace PoolHub.Tests.Storage;

public sealed class StoreArchiveTests : IDisposable
{
    private const string Version2 = """
        {"begin":{"format":2,"miners":3,"feedback":1,"audit":0}}
        {"miner":{"miner_id":"left","epoch":4,"keys":{"current":"AQ=="},"trust":{"good":1,"bad":0,"at":"2025-06-01T12:00:00.123+00:00","failures_in_a_row":0,"ejections":0,"score":0.5},"created_at":"2025-06-01T12:00:00.123+00:00","has_left":true}}
        {"miner":{"miner_id":"stayed","epoch":4,"keys":{"current":"AQ=="},"trust":{"good":1,"bad":0,"at":"2025-06-01T12:00:00.123+00:00","failures_in_a_row":0,"ejections":0,"score":0.5},"created_at":"2025-06-01T12:00:00.123+00:00","has_left":false}}
        {"miner":{"miner_id":"m","epoch":0,"keys":{"current":"AQ=="},"trust":{"good":1,"bad":0,"at":"2025-06-01T12:00:00.123+00:00","failures_in_a_row":0,"ejections":0,"score":0.5},"created_at":"2025-06-01T12:00:00.123+00:00","has_left":false}}
        {"feedback":{"job_id":"j","miner_id":"m","outcome":"completed","at":"2025-06-01T12:00:00.123+00:00"}}
        {"end":{"miners":3,"feedback":1,"audit":0}}

        """;

    private readonly string _dir = Directory.CreateTempSubdirectory("poolhub-archive-").FullName;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_dir, recursive: true);

    [Fact]
    public async Task Export_of_a_store_makes_another_like_it()
    {
        string path = Path.Combine(_dir, "export.jsonl");
        StoredMiner before;
        await using (SqliteHubStore store = Open("one"))
        {
            await store.SaveRegistrationAsync("m", Full, 1_790_000_000_000 * 2_048, null, Noon);
            await store.SaveEpochAsync("m", (1_790_000_000_001 * 2_048) + 7);
            await store.SaveDrainingAsync("m", true);
            before = Assert.Single(await store.LoadAsync(Cancel));
            _ = await StoreArchive.ExportAsync(store, path, (_, _) => { }, Cancel);
        }
        await using SqliteHubStore other = Open("two");
        _ = await StoreArchive.ImportAsync(other, path, (_, _) => { }, Cancel);
        StoredMiner after = Assert.Single(await other.LoadAsync(Cancel));
        Assert.Equal(before with { Keys = after.Keys, Profile = after.Profile }, after);
        Assert.True(after is { HasLeft: true, Draining: true });
    }

    [Fact]
    public async Task Export_of_format_2_is_read_with_those_who_had_left()
    {
        string path = Path.Combine(_dir, "export.jsonl");
        await File.WriteAllTextAsync(path, Version2, Cancel);
        await using SqliteHubStore store = Open("one");
        _ = await StoreArchive.ImportAsync(store, path, (_, _) => { }, Cancel);
        Assert.Equal(
            [("left", 4L, 3L), ("m", 0L, 0L), ("stayed", 4L, 4L)],
            (await store.LoadAsync(Cancel)).OrderBy(m => m.MinerId, StringComparer.Ordinal).Select(m => (m.MinerId, m.Epoch, m.RegisteredEpoch)));
        StoredFeedback report = Assert.Single(await store.ReadFeedbackAsync("m", long.MaxValue, 10, Cancel)).Feedback;
        Assert.Equal(("default", true), (report.Coordinator, report.Matched));
    }

    [Fact]
    public async Task Export_of_a_format_to_come_is_refused()
    {
        string path = Path.Combine(_dir, "export.jsonl");
        await File.WriteAllTextAsync(path, Version2.Replace("\"format\":2", "\"format\":99", StringComparison.Ordinal), Cancel);
        await using SqliteHubStore store = Open("one");
        StoreRefusedException refusal = await Assert.ThrowsAsync<StoreRefusedException>(() => StoreArchive.ImportAsync(store, path, (_, _) => { }, Cancel));
        Assert.Contains("it has format 99", refusal.Message, StringComparison.Ordinal);
    }

    private SqliteHubStore Open(string stateDir) =>
        SqliteHubStore.Open(Path.Combine(_dir, stateDir), TimeProvider.System, NullLogger<SqliteHubStore>.Instance);
}

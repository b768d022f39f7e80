using System.Collections.Concurrent;
using Microsoft.Extensions.Logging.Abstractions;
using PoolHub.Daemon.Storage;
using PoolHub.Daemon.Storage.Spool;
using PoolHub.Tests.EndToEnd;
using static PoolHub.Tests.Storage.StoreSamples;

namespace PoolHub.Tests.Storage;

public sealed class SpooledStoreTests : IDisposable
{
    private readonly string _dir = Directory.CreateTempSubdirectory("poolhub-spooled-").FullName;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_dir, recursive: true);

    [Fact]
    public async Task Duplicate_is_not_answered_before_the_report_that_it_repeats_is_durable()
    {
        LeavingDatabase database = await LeavingDatabase.CreateAsync();
        // A disk that takes nothing.
        _ = File.CreateSymbolicLink(Path.Combine(_dir, SpoolFile.Name), "/dev/full");
        await using SpooledStore store = await OpenAsync(database);
        await store.SaveKeysAsync("m", new StoredKeys([1]), Noon);
        await database.LeaveAsync();
        await Assert.ThrowsAsync<StoreUnavailableException>(() => store.RecordFeedbackAsync(Feedback("finds-out"), Learn));
        for (int i = 0; i < 100; i++)
        {
            Task<FeedbackReceipt> first = store.RecordFeedbackAsync(Feedback($"j{i}"), Learn);
            Task<FeedbackReceipt> second = store.RecordFeedbackAsync(Feedback($"j{i}"), Learn);
            await Assert.ThrowsAsync<StoreUnavailableException>(() => first);
            await Assert.ThrowsAsync<StoreUnavailableException>(() => second);
        }
    }

    [Fact]
    public async Task Report_is_recorded_once_and_repeated_as_a_duplicate()
    {
        LeavingDatabase database = await LeavingDatabase.CreateAsync();
        await using SpooledStore store = await OpenAsync(database);
        await store.SaveKeysAsync("m", new StoredKeys([1]), Noon);
        await database.LeaveAsync();
        FeedbackReceipt[] receipts = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => store.RecordFeedbackAsync(Feedback("j"), Learn)));
        Assert.Single(receipts, r => r.Recorded);
        Assert.False((await store.RecordFeedbackAsync(Feedback("j"), Learn)).Recorded);
        Assert.Equal(1, store.Figures.Spooled);
    }

    [Fact]
    public async Task Report_is_spooled_apart_for_each_coordinator_and_again_when_it_comes_matched()
    {
        LeavingDatabase database = await LeavingDatabase.CreateAsync();
        await using SpooledStore store = await OpenAsync(database);
        await store.SaveKeysAsync("m", new StoredKeys([1]), Noon);
        await database.LeaveAsync();
        foreach ((string coordinator, bool matched, bool recorded) in ((string, bool, bool)[])[
            ("alice", false, true), ("bob", true, true), ("alice", true, true), ("alice", true, false), ("alice", false, false)])
        {
            StoredFeedback report = Feedback("j") with { Coordinator = coordinator, Matched = matched };
            Assert.Equal(recorded, (await store.RecordFeedbackAsync(report, Learn)).Recorded);
        }
        await Assert.ThrowsAnyAsync<StoreUnavailableException>(
            () => store.ResetTrustAsync("m", () => { }, new AuditEntry(Noon, "carol", "", AuditEntry.TrustReset, "m", "")));
        await database.ReturnAsync();
        _ = await Eventually.SeeAsync(() => Task.FromResult(store.Figures.Spooled), spooled => spooled == 0);
        Assert.Equal(2, Assert.Single(await store.LoadAsync(Cancel)).Trust.Good);
    }

    [Fact]
    public async Task Drain_is_spooled_in_order_and_loaded_as_it_was_last()
    {
        LeavingDatabase database = await LeavingDatabase.CreateAsync();
        await using (SpooledStore store = await OpenAsync(database))
        {
            await store.SaveKeysAsync("drains", new StoredKeys([1]), Noon);
            await store.SaveKeysAsync("ended", new StoredKeys([1]), Noon);
            await database.LeaveAsync();
            await store.SaveDrainingAsync("drains", false);
            await store.SaveDrainingAsync("ended", true);
            await store.SaveDrainingAsync("drains", true);
            await store.SaveDrainingAsync("nobody", true);
            await store.SaveDrainingAsync("ended", false);
            Assert.Equal(5, store.Figures.Spooled);
        }
        await database.ReturnAsync();
        await using SpooledStore again = await LoadableAsync(database);
        Assert.Equal(["drains"], (await again.LoadAsync(Cancel)).Where(m => m.Draining).Select(m => m.MinerId));
        Deliver(again);
        _ = await Eventually.SeeAsync(() => Task.FromResult(again.Figures.Spooled), spooled => spooled == 0);
        Assert.Equal(["drains"], (await again.LoadAsync(Cancel)).Where(m => m.Draining).Select(m => m.MinerId));
    }

    [Fact]
    public async Task Spool_drains_though_reports_and_registrations_do_not_stop_when_the_database_is_back()
    {
        const int Clients = 16;
        LeavingDatabase database = await LeavingDatabase.CreateAsync();
        await using SpooledStore store = await OpenAsync(database);
        await store.SaveKeysAsync("m", new StoredKeys([1]), Noon);
        await database.LeaveAsync();
        ConcurrentBag<string> answered = [];
        using var stop = new CancellationTokenSource();
        var registered = new long[Clients];
        Task[] clients = [.. Enumerable.Range(0, Clients).Select(client => Task.Run(
            async () =>
            {
                for (int i = 0; !stop.IsCancellationRequested; i++)
                {
                    string job = $"{client}-{i}";
                    Assert.True((await store.RecordFeedbackAsync(Feedback(job), Learn)).Recorded);
                    answered.Add(job);
                    await store.SaveRegistrationAsync($"m{client}", Full with { MaxParallel = i }, i, null, Noon);
                    registered[client] = i;
                }
            },
            Cancel))];
        _ = await Eventually.SeeAsync(() => Task.FromResult(store.Figures.Spooled), spooled => spooled > 3_000);
        await database.ReturnAsync();
        _ = await Eventually.SeeAsync(() => Task.FromResult(store.Figures.Spooled), spooled => spooled == 0);
        int then = answered.Count;
        // It stays empty: they go to the database now.
        for (int more = 0; more < 1_000; more = answered.Count - then)
        {
            Assert.Equal(0, store.Figures.Spooled);
            await Task.Delay(1, Cancel);
        }
        await stop.CancelAsync();
        await Task.WhenAll(clients);
        IReadOnlyList<StoredMiner> miners = await store.LoadAsync(Cancel);
        for (int client = 0; client < Clients; client++)
        {
            StoredMiner miner = miners.Single(it => it.MinerId == $"m{client}");
            Assert.Equal((registered[client], (int)registered[client]), (miner.Epoch, miner.Profile!.MaxParallel));
        }
        Assert.Equal((long)answered.Count, await database.SqlAsync("SELECT count(*) FROM poolhub.feedback"));
    }

    private async Task<SpooledStore> OpenAsync(LeavingDatabase database)
    {
        SpooledStore store = await LoadableAsync(database);
        Deliver(store);
        return store;
    }

    private Task<SpooledStore> LoadableAsync(LeavingDatabase database) =>
        SpooledStore.OpenAsync(database.Dsn, _dir, TimeProvider.System, NullLogger<PostgresHubStore>.Instance, Cancel);

    private static void Deliver(SpooledStore store) => store.Deliver(_ => true, (into, feedback) => into.RecordFeedbackAsync(feedback, Learn));

    private static TrustState Learn(TrustState state) => state with { Good = state.Good + 1 };
}

using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using PoolHub.Daemon.Storage;
using PoolHub.Protocol;
using static PoolHub.Tests.Storage.StoreSamples;

namespace PoolHub.Tests.Storage;

/// <summary>What every form of the store has to hold, of feedback and of moving everything.</summary>
public abstract class FeedbackStoreTests : AuditStoreTests
{
    [Fact]
    public async Task Retention_takes_one_batch_after_the_other_and_leaves_what_is_young()
    {
        await using IHubStore store = await OpenAsync();
        await store.SaveRegistrationAsync("m", Full, 1, null, Noon);
        await Task.WhenAll(Enumerable.Range(0, 2_100).Select(i => store.RecordFeedbackAsync(Feedback($"old-{i}"), state => state with { Good = i })));
        await store.RecordFeedbackAsync(Feedback("young") with { At = Noon.AddDays(2) }, state => state);
        using var retention = new Retention(
            store, new StorageOptions(null, FeedbackRetentionDays: 30, AuditRetentionDays: 0), new FakeTimeProvider(Noon.AddDays(31)),
            NullLogger<Retention>.Instance);
        Assert.Equal(2_100, await retention.SweepAsync(Cancel));
        Assert.False((await store.RecordFeedbackAsync(Feedback("young"), Never)).Recorded);
        Assert.Equal(2_099, Assert.Single(await store.LoadAsync(Cancel)).Trust.Good);
    }

    [Fact]
    public async Task Feedback_carries_trust_forward()
    {
        var learnt = new TrustState(1.5, 0.25, Noon, 3, 2, Noon.AddSeconds(60), 0.625);
        StoredMiner miner = await ReopenedAsync(async store =>
        {
            await store.SaveRegistrationAsync("m", Full, 1, null, Noon);
            FeedbackReceipt first = await store.RecordFeedbackAsync(Feedback("j1"), state =>
            {
                Assert.Equal(TrustState.None, state);
                return state with { Good = 1 };
            });
            Assert.Equal(new FeedbackReceipt(true, TrustState.None with { Good = 1 }), first);
            FeedbackReceipt second = await store.RecordFeedbackAsync(Feedback("j2"), state => learnt with { Good = state.Good + 0.5 });
            Assert.Equal(new FeedbackReceipt(true, learnt), second);
        });
        Assert.Equal(learnt, miner.Trust);
    }

    [Fact]
    public async Task Feedback_given_twice_is_a_duplicate_and_teaches_nothing()
    {
        await using IHubStore store = await OpenAsync();
        await store.SaveRegistrationAsync("m", Full, 1, null, Noon);
        FeedbackReceipt first = await store.RecordFeedbackAsync(Feedback("j"), state => state with { Good = 1 });
        FeedbackReceipt again = await store.RecordFeedbackAsync(Feedback("j") with { LatencyMs = 5, At = Noon.AddDays(1) }, Never);
        FeedbackReceipt other = await store.RecordFeedbackAsync(Feedback("j") with { Outcome = "accepted" }, state => state);
        Assert.True(first.Recorded);
        Assert.Equal(new FeedbackReceipt(false, first.Trust), again);
        Assert.True(other.Recorded);
    }

    [Fact]
    public async Task Report_of_one_coordinator_does_not_take_the_place_of_anothers()
    {
        await using IHubStore store = await OpenAsync();
        await store.SaveRegistrationAsync("m", Full, 1, null, Noon);
        foreach (string coordinator in (string[])["alice", "bob"])
        {
            FeedbackReceipt receipt = await store.RecordFeedbackAsync(Feedback("j") with { Coordinator = coordinator }, Better);
            Assert.True(receipt.Recorded);
        }
        Assert.Equal(2, Assert.Single(await store.LoadAsync(Cancel)).Trust.Good);
    }

    [Fact]
    public async Task Unmatched_report_teaches_nothing_until_it_comes_matched()
    {
        await using IHubStore store = await OpenAsync();
        await store.SaveRegistrationAsync("m", Full, 1, null, Noon);
        StoredFeedback unmatched = Feedback("j") with { Matched = false, LatencyMs = 1 };
        Assert.Equal(new FeedbackReceipt(true, TrustState.None), await store.RecordFeedbackAsync(unmatched, Never));
        Assert.Equal(new FeedbackReceipt(false, TrustState.None), await store.RecordFeedbackAsync(unmatched, Never));
        FeedbackReceipt matched = await store.RecordFeedbackAsync(Feedback("j"), Better);
        Assert.Equal((true, 1), (matched.Recorded, matched.Trust.Good));
        Assert.False((await store.RecordFeedbackAsync(Feedback("j"), Never)).Recorded);
        Assert.False((await store.RecordFeedbackAsync(unmatched, Never)).Recorded);
        FeedbackRow row = Assert.Single(await store.ReadFeedbackAsync("m", long.MaxValue, 10, Cancel));
        Assert.Equal(Feedback("j"), row.Feedback);
    }

    [Fact]
    public async Task Equal_reports_at_once_are_learnt_once_matched_or_not()
    {
        await using IHubStore store = await OpenAsync();
        await store.SaveRegistrationAsync("m", Full, 1, null, Noon);
        FeedbackReceipt[] receipts = await Task.WhenAll(Enumerable.Range(0, 100).Select(
            i => store.RecordFeedbackAsync(Feedback("j") with { Matched = i >= 50 }, Better)));
        Assert.Single(receipts[50..], r => r.Recorded);
        Assert.Equal(1, Assert.Single(await store.LoadAsync(Cancel)).Trust.Good);
        Assert.True(Assert.Single(await store.ReadFeedbackAsync("m", long.MaxValue, 10, Cancel)).Feedback.Matched);
    }

    [Fact]
    public async Task Reports_of_a_miner_are_read_newest_first_page_by_page()
    {
        await using IHubStore store = await OpenAsync();
        await store.SaveRegistrationAsync("m", Full, 1, null, Noon);
        await store.SaveRegistrationAsync("other", Full, 1, null, Noon);
        StoredFeedback[] reports = [.. Enumerable.Range(0, 5).Select(i => Feedback($"j{i}") with { Coordinator = $"c{i % 2}", Matched = i != 3 })];
        foreach (StoredFeedback report in reports)
        {
            _ = await store.RecordFeedbackAsync(report, Better);
            _ = await store.RecordFeedbackAsync(report with { MinerId = "other" }, Better);
        }
        IReadOnlyList<FeedbackRow> first = await store.ReadFeedbackAsync("m", long.MaxValue, 3, Cancel);
        IReadOnlyList<FeedbackRow> rest = await store.ReadFeedbackAsync("m", first[^1].Id, 3, Cancel);
        Assert.Equal(reports.Reverse(), [.. first.Select(row => row.Feedback), .. rest.Select(row => row.Feedback)]);
        Assert.Empty(await store.ReadFeedbackAsync("nobody", long.MaxValue, 3, Cancel));
    }

    [Fact]
    public async Task Trust_is_reset_in_order_with_what_is_being_learnt_and_audited()
    {
        var audit = new AuditEntry(Noon, "carol", "::1", AuditEntry.TrustReset, "m", "from 0.9");
        await using IHubStore store = await OpenAsync();
        await store.SaveRegistrationAsync("m", Full, 1, null, Noon);
        List<string> order = [];
        Task[] writes =
        [
            store.RecordFeedbackAsync(Feedback("before"), state => Note("before", state)),
            store.ResetTrustAsync("m", () => order.Add("reset"), audit),
            store.RecordFeedbackAsync(Feedback("after"), state => Note("after", state)),
        ];
        await Task.WhenAll(writes);
        Assert.Equal(["before", "reset", "after"], order);
        Assert.Equal(TrustState.None with { Good = 1 }, Assert.Single(await store.LoadAsync(Cancel)).Trust);
        await Assert.ThrowsAsync<UnknownMinerException>(() => store.ResetTrustAsync("nobody", () => { }, audit));
        Assert.Equal(audit, Assert.Single(await store.ReadAuditAsync(null, long.MaxValue, 10, Cancel)) with { Id = 0 });

        TrustState Note(string what, TrustState state)
        {
            order.Add(what);
            return Better(state);
        }
    }

    [Fact]
    public async Task Feedback_on_an_unknown_miner_fails_alone()
    {
        await using IHubStore store = await OpenAsync();
        await store.SaveRegistrationAsync("m", Full, 1, null, Noon);
        Task<FeedbackReceipt> unknown = store.RecordFeedbackAsync(Feedback("j") with { MinerId = "nobody" }, Never);
        Task<FeedbackReceipt> known = store.RecordFeedbackAsync(Feedback("j"), state => state with { Good = 1 });
        await Assert.ThrowsAsync<UnknownMinerException>(() => unknown);
        Assert.True((await known).Recorded);
    }

    [Fact]
    public async Task Feedback_whose_lesson_fails_is_not_kept()
    {
        await using IHubStore store = await OpenAsync();
        await store.SaveRegistrationAsync("m", Full, 1, null, Noon);
        await Assert.ThrowsAsync<InvalidTimeZoneException>(
            () => store.RecordFeedbackAsync(Feedback("j"), _ => throw new InvalidTimeZoneException()));
        Assert.True((await store.RecordFeedbackAsync(Feedback("j"), state => state)).Recorded);
    }

    [Fact]
    public async Task Feedback_from_many_at_once_loses_no_lesson()
    {
        const int count = 500;
        StoredMiner miner = await ReopenedAsync(async store =>
        {
            await store.SaveRegistrationAsync("m", Full, 1, null, Noon);
            await Task.WhenAll(Enumerable.Range(0, count).Select(i => Task.Run(
                () => store.RecordFeedbackAsync(Feedback($"j{i % (count / 2)}"), state => state with { Good = state.Good + 1 }), Cancel)));
        });
        Assert.Equal(count / 2, miner.Trust.Good);
    }

    [Fact]
    public async Task Feedback_is_forgotten_oldest_first_and_its_trust_stays()
    {
        StoredMiner miner = await ReopenedAsync(async store =>
        {
            await store.SaveRegistrationAsync("m", Full, 1, null, Noon);
            for (int day = 0; day < 10; day++)
            {
                await store.RecordFeedbackAsync(Feedback($"j{day}") with { At = Noon.AddDays(day) }, state => state with { Good = state.Good + 1 });
            }
            Assert.Equal(3, await store.ForgetFeedbackAsync(Noon.AddDays(5), 3));
            Assert.Equal(2, await store.ForgetFeedbackAsync(Noon.AddDays(5), 3));
            Assert.Equal(0, await store.ForgetFeedbackAsync(Noon.AddDays(5), 3));
            Assert.False((await store.RecordFeedbackAsync(Feedback("j5"), Never)).Recorded);
        });
        Assert.Equal(10, miner.Trust.Good);
    }

    [Fact]
    public async Task Store_that_is_imported_holds_what_the_other_held()
    {
        var trust = new TrustState(1.5, 0.25, Noon, 3, 2, Noon.AddSeconds(60), 0.625);
        StoredMiner[] miners =
        [
            new("bare", null, 0, 0, new StoredKeys([1], IssuedAt: Noon), TrustState.None, null, Noon),
            new("full", Full, 7, 7, new StoredKeys([2], [3], Noon.AddDays(1)), trust, new StoredStatus("full", 3, true, 120, -5, 11.25, Noon.AddDays(2), Noon),
                Noon.AddDays(-1), Noon.AddDays(2), new PriceOverride(new TokenPrice(9), Noon, Noon.AddHours(-3)), Draining: true),
            new("left", Bare, long.MaxValue, 4, new StoredKeys(null, RevokedAt: Noon), TrustState.None, null, Noon, Noon.AddHours(1)),
        ];
        StoredFeedback[] feedback = [Feedback("j1") with { MinerId = "full", Coordinator = "alice", Matched = false }, Feedback("j2") with { MinerId = "left", LatencyMs = null, FailCode = null, TokensSpent = null }];
        AuditEntry[] audit = [AuditEntry.Claim("full", Noon), new AuditEntry(Noon.AddDays(1), "carol", "::1", AuditEntry.AcceptLoss, null, "3 miners")];
        await using (IHubStore store = await OpenAsync())
        {
            // The report of a miner that somebody has deleted by hand has no place.
            StoredFeedback[] reports = [.. feedback, Feedback("j3") with { MinerId = "deleted" }];
            Assert.Equal(
                new ArchiveEnd(3, 2, 2),
                await ((IStoreArchive)store).ImportAsync([new ArchiveBatch(miners[..1], [], []), new ArchiveBatch(miners[1..], reports, audit)]));
        }
        await using IHubStore again = await OpenAsync();
        StoredMiner[] loaded = [.. (await again.LoadAsync(Cancel)).OrderBy(m => m.MinerId, StringComparer.Ordinal)];
        for (int i = 0; i < miners.Length; i++)
        {
            AssertKeys(miners[i].Keys, loaded[i].Keys);
            Assert.Equal(miners[i] with { Keys = loaded[i].Keys, Profile = loaded[i].Profile }, loaded[i]);
        }
        AssertProfile(Full, loaded[1].Profile);
        List<StoredFeedback> read = [];
        await foreach (StoredFeedback one in ((IStoreArchive)again).ReadFeedbackAsync(Cancel))
        {
            read.Add(one);
        }
        Assert.Equal(feedback, read);
        Assert.Equal(2, await ((IStoreArchive)again).CountFeedbackAsync(Cancel));
        List<AuditEntry> entries = [];
        await foreach (AuditEntry entry in ((IStoreArchive)again).ReadAuditAsync(Cancel))
        {
            entries.Add(entry with { Id = 0 });
        }
        Assert.Equal(audit, entries);
        Assert.Equal(2, await ((IStoreArchive)again).CountAuditAsync(Cancel));
    }

    [Fact]
    public async Task Import_that_breaks_off_leaves_nothing()
    {
        await using (IHubStore store = await OpenAsync())
        {
            await Assert.ThrowsAsync<InvalidTimeZoneException>(() => ((IStoreArchive)store).ImportAsync(BreakingOff()));
            Assert.Empty(await store.LoadAsync(Cancel));
        }
        await using IHubStore again = await OpenAsync();
        Assert.Empty(await again.LoadAsync(Cancel));

        static IEnumerable<ArchiveBatch> BreakingOff()
        {
            yield return new ArchiveBatch([new StoredMiner("m", Full, 1, 1, new StoredKeys([1]), TrustState.None, null, Noon)], [Feedback("j")], []);
            throw new InvalidTimeZoneException();
        }
    }

    private static TrustState Better(TrustState state) => state with { Good = state.Good + 1 };
}

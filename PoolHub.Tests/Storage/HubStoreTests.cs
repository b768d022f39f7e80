using PoolHub.Daemon.Storage;
using PoolHub.Protocol;
using static PoolHub.Tests.Storage.StoreSamples;

namespace PoolHub.Tests.Storage;

/// <summary>What every form of the store has to hold, of miners.</summary>
public abstract class HubStoreTests : FeedbackStoreTests
{
    [Fact]
    public async Task Store_that_is_new_is_empty()
    {
        await using IHubStore store = await OpenAsync();
        Assert.Empty(await store.LoadAsync(Cancel));
    }

    [Fact]
    public async Task Registration_comes_back_as_it_was()
    {
        var keys = new StoredKeys([1, 2, 3], [4, 5], Noon.AddHours(1));
        StoredMiner miner = await ReopenedAsync(store => store.SaveRegistrationAsync("m:1", Full, 7, keys, Noon));
        Assert.Equal("m:1", miner.MinerId);
        AssertProfile(Full, miner.Profile);
        Assert.Equal(7, miner.Epoch);
        AssertKeys(keys, miner.Keys);
        Assert.Equal(TrustState.None, miner.Trust);
        Assert.Null(miner.Status);
        Assert.Equal(Noon, miner.CreatedAt);
        Assert.Equal(Noon, miner.LastSeenAt);
    }

    [Fact]
    public async Task Registration_of_the_least_comes_back_as_it_was()
    {
        StoredMiner miner = await ReopenedAsync(store => store.SaveRegistrationAsync("m", Bare, 1, null, Noon));
        AssertProfile(Bare, miner.Profile);
        AssertKeys(new StoredKeys(null), miner.Keys);
    }

    [Fact]
    public async Task Registration_of_the_extremes_comes_back_as_it_was()
    {
        MinerProfile profile = Full with
        {
            Price = TokenPrice.Max,
            GpuVramGb = 0.1 + 0.2,
            RamGb = Limits.MaxRamGb,
            Capabilities = [.. Enumerable.Range(0, Limits.MaxCapabilities).Select(i => new string((char)('A' + (i % 26)), Limits.TermChars))],
        };
        StoredMiner miner = await ReopenedAsync(store => store.SaveRegistrationAsync("m", profile, long.MaxValue, null, Noon));
        AssertProfile(profile, miner.Profile);
        Assert.Equal(long.MaxValue, miner.Epoch);
    }

    [Fact]
    public async Task Registration_again_replaces_the_profile_and_keeps_keys_and_creation()
    {
        var keys = new StoredKeys([9]);
        StoredMiner miner = await ReopenedAsync(async store =>
        {
            await store.SaveRegistrationAsync("m", Full, 1, keys, Noon);
            await store.SaveRegistrationAsync("m", Bare, 2, null, Noon.AddMinutes(5));
        });
        AssertProfile(Bare, miner.Profile);
        AssertKeys(keys, miner.Keys);
        Assert.Equal(2, miner.Epoch);
        Assert.Equal(Noon, miner.CreatedAt);
        Assert.Equal(Noon.AddMinutes(5), miner.LastSeenAt);
    }

    [Fact]
    public async Task Registration_with_a_claim_replaces_the_keys()
    {
        StoredMiner miner = await ReopenedAsync(async store =>
        {
            await store.SaveKeysAsync("m", new StoredKeys([1], [2], Noon), Noon);
            await store.SaveRegistrationAsync("m", Full, 1, new StoredKeys([3]), Noon);
        });
        AssertKeys(new StoredKeys([3]), miner.Keys);
    }

    [Fact]
    public async Task Keys_of_an_unknown_miner_create_it_without_a_profile()
    {
        StoredMiner miner = await ReopenedAsync(store => store.SaveKeysAsync("m", new StoredKeys([1]), Noon));
        Assert.Null(miner.Profile);
        Assert.Equal(0, miner.Epoch);
        Assert.Equal(Noon, miner.CreatedAt);
        Assert.Null(miner.LastSeenAt);
        AssertKeys(new StoredKeys([1]), miner.Keys);
    }

    [Fact]
    public async Task Keys_that_are_revoked_leave_the_rest()
    {
        StoredMiner miner = await ReopenedAsync(async store =>
        {
            await store.SaveRegistrationAsync("m", Full, 3, new StoredKeys([1], [2], Noon), Noon);
            await store.SaveKeysAsync("m", new StoredKeys(null), Noon.AddDays(1));
        });
        AssertKeys(new StoredKeys(null), miner.Keys);
        AssertProfile(Full, miner.Profile);
        Assert.Equal(Noon, miner.CreatedAt);
    }

    [Theory]
    [InlineData(5, 5)]
    [InlineData(3, 4)]
    public async Task Epoch_never_goes_back(long saved, long kept)
    {
        StoredMiner miner = await ReopenedAsync(async store =>
        {
            await store.SaveRegistrationAsync("m", Full, 4, null, Noon);
            await store.SaveEpochAsync("m", saved);
            await store.SaveEpochAsync("nobody", 9);
        });
        Assert.Equal(kept, miner.Epoch);
    }

    [Fact]
    public async Task Miner_that_left_has_left_until_it_registers_again()
    {
        IReadOnlyList<StoredMiner> miners = await ReopenedAllAsync(async store =>
        {
            foreach (string id in (string[])["left", "returned", "stayed"])
            {
                await store.SaveRegistrationAsync(id, Full, 4, null, Noon);
            }
            await store.SaveEpochAsync("left", 5);
            // A change of its profile that was under way when it left brings nobody back.
            await store.SaveRegistrationAsync("left", Full, 4, null, Noon);
            await store.SaveEpochAsync("returned", 5);
            await store.SaveRegistrationAsync("returned", Full, 6, null, Noon);
        });
        Assert.Equal(["left"], miners.Where(m => m.HasLeft).Select(m => m.MinerId));
    }

    [Fact]
    public async Task Session_that_is_new_begins_idle_and_one_that_registers_again_goes_on()
    {
        var full = new StoredStatus("", 4, true, 120, 60, 7.5, Noon);
        IReadOnlyList<StoredMiner> miners = await ReopenedAllAsync(async store =>
        {
            string[] ids = ["again", "later", "new", "returned"];
            await Task.WhenAll(ids.Select(id => store.SaveRegistrationAsync(id, Full, 4, null, Noon)));
            await store.SaveStatusesAsync([.. ids.Select(id => full with { MinerId = id })]);
            await store.SaveEpochAsync("returned", 5);
            await Task.WhenAll(
                store.SaveRegistrationAsync("again", Bare, 4, null, Noon),
                store.SaveRegistrationAsync("later", Bare, 3, null, Noon),
                store.SaveRegistrationAsync("new", Full, 5, null, Noon),
                store.SaveRegistrationAsync("returned", Full, 6, null, Noon));
        });
        Assert.Equal(
            [full with { MinerId = "again" }, full with { MinerId = "later" }, full with { MinerId = "new", QueueLen = 0, Busy = false },
                full with { MinerId = "returned", QueueLen = 0, Busy = false }],
            miners.OrderBy(m => m.MinerId, StringComparer.Ordinal).Select(m => m.Status!.Value));
    }

    [Fact]
    public async Task Session_that_registered_last_is_known_by_its_epoch()
    {
        // As large as the milliseconds since 1970 make them, thousands in each.
        const long registered = 1_790_000_000_000 * 2_048;
        StoredMiner miner = await ReopenedAsync(async store =>
        {
            await store.SaveRegistrationAsync("m", Full, registered, null, Noon);
            await store.SaveEpochAsync("m", registered + 2_049);
        });
        Assert.Equal((registered + 2_049, registered, true), (miner.Epoch, miner.RegisteredEpoch, miner.HasLeft));
    }

    [Fact]
    public async Task Drain_comes_back_until_it_is_ended()
    {
        var audit = new AuditEntry(Noon, "carol", "::1", AuditEntry.Command, "drains", "drain");
        IReadOnlyList<StoredMiner> miners = await ReopenedAllAsync(async store =>
        {
            foreach (string id in (string[])["drains", "ended", "never"])
            {
                await store.SaveRegistrationAsync(id, Full, 1, null, Noon);
            }
            Task[] changes =
            [
                store.SaveDrainingAsync("drains", false),
                store.SaveDrainingAsync("ended", true),
                store.SaveDrainingAsync("nobody", true),
                store.SaveDrainingAsync("drains", true, audit),
                store.SaveDrainingAsync("ended", false),
            ];
            await Task.WhenAll(changes);
            await store.SaveRegistrationAsync("drains", Bare, 2, null, Noon);
            Assert.Equal(audit, Assert.Single(await store.ReadAuditAsync(null, long.MaxValue, 10, Cancel)) with { Id = 0 });
        });
        Assert.Equal(["drains"], miners.Where(m => m.Draining).Select(m => m.MinerId));
        Assert.Equal(3, miners.Count);
    }

    [Fact]
    public async Task Status_comes_back_with_and_without_its_options()
    {
        var full = new StoredStatus("a", 3, true, 120, -5, 11.25, Noon.AddSeconds(9));
        var bare = new StoredStatus("b", 0, false, null, null, null, Noon.AddSeconds(-9));
        IReadOnlyList<StoredMiner> miners = await ReopenedAllAsync(async store =>
        {
            await store.SaveRegistrationAsync("a", Full, 1, null, Noon);
            await store.SaveRegistrationAsync("b", Full, 1, null, Noon);
            await store.SaveStatusesAsync([bare, new StoredStatus("nobody", 1, true, 1, 1, 1, Noon), full]);
        });
        Assert.Equal(2, miners.Count);
        Assert.Equal(full, miners.Single(m => m.MinerId == "a").Status);
        Assert.Equal(full.SeenAt, miners.Single(m => m.MinerId == "a").LastSeenAt);
        Assert.Equal(bare, miners.Single(m => m.MinerId == "b").Status);
        Assert.Equal(Noon, miners.Single(m => m.MinerId == "b").LastSeenAt);
    }

    [Fact]
    public async Task Status_again_replaces_the_one_before()
    {
        var last = new StoredStatus("m", 0, false, null, null, null, Noon.AddSeconds(1));
        StoredMiner miner = await ReopenedAsync(async store =>
        {
            await store.SaveRegistrationAsync("m", Full, 1, null, Noon);
            await store.SaveStatusesAsync([new StoredStatus("m", 9, true, 9, 9, 9, Noon)]);
            await store.SaveStatusesAsync([last]);
            await store.SaveStatusesAsync([]);
        });
        Assert.Equal(last, miner.Status);
    }

    [Fact]
    public async Task Statuses_of_many_are_all_saved_and_other_writes_go_between()
    {
        const int count = 10_000;
        await using IHubStore store = await OpenAsync();
        foreach (int[] chunk in Enumerable.Range(0, count).Chunk(5_000))
        {
            await Task.WhenAll(chunk.Select(i => store.SaveKeysAsync($"m{i}", new StoredKeys([1]), Noon)));
        }
        StoredStatus[] rows = [.. Enumerable.Range(0, count).Select(i => new StoredStatus($"m{i}", i, false, null, null, null, Noon))];
        Task statuses = store.SaveStatusesAsync(rows);
        await store.SaveEpochAsync("m0", 1);
        await statuses;
        IReadOnlyList<StoredMiner> miners = await store.LoadAsync(Cancel);
        Assert.All(miners, miner => Assert.Equal($"m{miner.Status!.Value.QueueLen}", miner.MinerId));
        Assert.Equal(count, miners.Count);
    }

    [Fact]
    public async Task Store_that_is_disposed_has_kept_what_it_accepted_and_takes_no_more()
    {
        IHubStore store = await OpenAsync();
        Task[] writes = [.. Enumerable.Range(0, 1_000).Select(i => store.SaveKeysAsync($"m{i}", new StoredKeys([1]), Noon))];
        await store.DisposeAsync();
        Assert.All(writes, write => Assert.True(write.IsCompletedSuccessfully));
        await Assert.ThrowsAsync<StoreUnavailableException>(() => store.SaveEpochAsync("m1", 1));
        await Assert.ThrowsAsync<StoreUnavailableException>(() => store.SaveStatusesAsync([default(StoredStatus) with { MinerId = "m1" }]));
        await store.DisposeAsync();
        await using IHubStore again = await OpenAsync();
        Assert.Equal(writes.Length, (await again.LoadAsync(Cancel)).Count);
    }

    [Fact]
    public async Task Price_of_an_admin_comes_back_until_it_is_taken_away()
    {
        var first = new PriceOverride(new TokenPrice(1), Noon.AddHours(1));
        var second = new PriceOverride(TokenPrice.Max, null);
        IReadOnlyList<StoredMiner> miners = await ReopenedAllAsync(async store =>
        {
            foreach (string id in (string[])["none", "one", "another", "taken"])
            {
                await store.SaveRegistrationAsync(id, Full, 1, null, Noon);
            }
            await store.SavePriceOverrideAsync("one", second, Noon);
            await store.SavePriceOverrideAsync("one", first, Noon);
            await store.SavePriceOverrideAsync("another", second, Noon);
            await store.SavePriceOverrideAsync("taken", first, Noon);
            await store.SavePriceOverrideAsync("taken", null, Noon);
            await store.SavePriceOverrideAsync("nobody", first, Noon);
        });
        Assert.Equal([second with { SetAt = Noon }, null, first with { SetAt = Noon }, null], miners.OrderBy(m => m.MinerId, StringComparer.Ordinal).Select(m => m.Price));
    }
}

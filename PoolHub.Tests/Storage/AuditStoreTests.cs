using PoolHub.Daemon.Storage;
using PoolHub.Protocol;
using static PoolHub.Tests.Storage.StoreSamples;

namespace PoolHub.Tests.Storage;

/// <summary>What every form of the store has to hold, of who did what.</summary>
public abstract class AuditStoreTests : StoreTests
{
    [Fact]
    public async Task Entries_are_kept_with_their_change_and_read_newest_first()
    {
        AuditEntry issue = Entry("m", AuditEntry.KeyIssue);
        AuditEntry price = Entry("m", AuditEntry.PriceSet) with { Detail = "0.5 «tokens»", Address = "::1" };
        AuditEntry loss = Entry(null, AuditEntry.AcceptLoss);
        AuditEntry other = Entry("other", AuditEntry.KeyIssue);
        await using (IHubStore store = await OpenAsync())
        {
            await store.SaveKeysAsync("m", new StoredKeys([1]), Noon, issue);
            await store.SavePriceOverrideAsync("m", null, Noon, price);
            await store.SaveAuditAsync(loss);
            await store.SaveKeysAsync("other", new StoredKeys([1]), Noon, other);
            await store.SaveKeysAsync("unaudited", new StoredKeys([1]), Noon);
        }
        await using IHubStore again = await OpenAsync();
        IReadOnlyList<AuditEntry> all = await again.ReadAuditAsync(null, long.MaxValue, 10, Cancel);
        Assert.Equal([other, loss, price, issue], all.Select(e => e with { Id = 0 }));
        Assert.Equal(all.Select(e => e.Id).OrderDescending(), all.Select(e => e.Id));
        Assert.Equal(all.Take(2), await again.ReadAuditAsync(null, long.MaxValue, 2, Cancel));
        Assert.Equal(all.Skip(2), await again.ReadAuditAsync(null, all[1].Id, 10, Cancel));
        Assert.Equal([price, issue], (await again.ReadAuditAsync("m", long.MaxValue, 10, Cancel)).Select(e => e with { Id = 0 }));
        Assert.Empty(await again.ReadAuditAsync("nobody", long.MaxValue, 10, Cancel));
    }

    [Fact]
    public async Task Change_that_is_refused_leaves_no_entry()
    {
        await using IHubStore store = await OpenAsync();
        await Assert.ThrowsAsync<StoreUnavailableException>(() => store.SaveKeysAsync(null!, new StoredKeys([1]), Noon, Entry("m", AuditEntry.KeyIssue)));
        Assert.Empty(await store.ReadAuditAsync(null, long.MaxValue, 10, Cancel));
    }

    [Fact]
    public async Task Claim_is_kept_with_its_registration_and_no_other_registration_is()
    {
        await using IHubStore store = await OpenAsync();
        await store.SaveRegistrationAsync("m", Full, 1, new StoredKeys([1]), Noon);
        await store.SaveRegistrationAsync("m", Full, 2, null, Noon);
        AuditEntry entry = Assert.Single(await store.ReadAuditAsync(null, long.MaxValue, 10, Cancel));
        Assert.Equal(AuditEntry.Claim("m", Noon), entry with { Id = 0 });
    }

    [Fact]
    public async Task Entries_that_are_too_old_are_forgotten_a_few_at_a_time()
    {
        await using IHubStore store = await OpenAsync();
        for (int day = 0; day < 5; day++)
        {
            await store.SaveAuditAsync(Entry("m", AuditEntry.Command) with { At = Noon.AddDays(day) });
        }
        Assert.Equal(2, await store.ForgetAuditAsync(Noon.AddDays(3), 2));
        Assert.Equal(1, await store.ForgetAuditAsync(Noon.AddDays(3), 2));
        Assert.Equal(0, await store.ForgetAuditAsync(Noon.AddDays(3), 2));
        Assert.Equal([Noon.AddDays(4), Noon.AddDays(3)], (await store.ReadAuditAsync(null, long.MaxValue, 10, Cancel)).Select(e => e.At));
    }

    [Fact]
    public async Task Times_of_a_key_come_back()
    {
        var keys = new StoredKeys([1], [2], Noon.AddDays(1), IssuedAt: Noon, RotatedAt: Noon.AddMinutes(1));
        AssertKeys(keys, (await ReopenedAsync(store => store.SaveKeysAsync("m", keys, Noon))).Keys);
        var revoked = new StoredKeys(null, IssuedAt: Noon, RevokedAt: Noon.AddMinutes(2));
        AssertKeys(revoked, (await ReopenedAsync(store => store.SaveKeysAsync("m", revoked, Noon))).Keys);
    }

    [Fact]
    public async Task Last_use_of_a_key_comes_back_and_stays_where_a_status_says_nothing_of_it()
    {
        var status = new StoredStatus("m", 1, false, null, null, null, Noon, KeyUsedAt: Noon.AddSeconds(-5));
        StoredMiner miner = await ReopenedAsync(async store =>
        {
            await store.SaveRegistrationAsync("m", Full, 1, null, Noon);
            await store.SaveStatusesAsync([status]);
            await store.SaveStatusesAsync([status with { SeenAt = Noon.AddSeconds(1), KeyUsedAt = null }]);
        });
        Assert.Equal(status with { SeenAt = Noon.AddSeconds(1) }, miner.Status);
    }

    [Fact]
    public void Detail_is_one_short_line()
    {
        AuditEntry entry = Entry("m", AuditEntry.Command) with { Detail = "" };
        Assert.Equal("a?b?[31m", new AuditEntry(Noon, "w", "", "a", null, "a\nb\u001b[31m").Detail);
        Assert.Equal(Limits.DetailChars, new AuditEntry(Noon, "w", "", "a", null, new string('x', 10_000)).Detail.Length);
        Assert.Equal('?', new AuditEntry(Noon, "w", "", "a", null, new string('x', Limits.DetailChars - 1) + "🚀").Detail[^1]);
        Assert.Empty(entry.Detail);
    }

    private static AuditEntry Entry(string? minerId, string action) => new(Noon, "carol", "127.0.0.1", action, minerId, "");
}

using PoolHub.Daemon.Matching;
using PoolHub.Daemon.Registry;
using PoolHub.Daemon.Storage;
using PoolHub.Protocol;

namespace PoolHub.Tests.Registry;

public sealed class RegistrationTests
{
    private static readonly MinerProfile s_other = RegistryHouse.Profile with { Region = "us", Price = new TokenPrice(7) };

    private readonly RegistryHouse _house = new();

    private MinerRegistry Registry => _house.Registry;

    [Fact]
    public async Task Registration_is_offered_only_once_it_is_durable()
    {
        TaskCompletionSource store = _house.Store.Hold();
        (Miner miner, long epoch) = Registry.BeginSession("m");
        Task<bool> registering = Registry.RegisterAsync(miner, epoch, RegistryHouse.Profile, claim: null).AsTask();
        Assert.Empty(_house.Offered());
        store.SetResult();
        Assert.True(await registering);
        Assert.False(_house.Offered()["m"]);
        Assert.Equal(_house.Now.ToUnixTimeMilliseconds(), miner.LastSeenMs);
    }

    [Fact]
    public async Task Registration_that_the_store_refuses_offers_nobody_and_may_be_tried_again()
    {
        _house.Store.Away = true;
        (Miner miner, long epoch) = Registry.BeginSession("m");
        await Assert.ThrowsAsync<StoreUnavailableException>(
            () => Registry.RegisterAsync(miner, epoch, RegistryHouse.Profile, claim: null).AsTask());
        Assert.Equal((LeaseState.Offline, null), (miner.State, miner.Profile));
        _house.Store.Away = false;
        Assert.True(await Registry.RegisterAsync(miner, epoch, RegistryHouse.Profile, claim: null));
    }

    [Fact]
    public async Task Registration_again_replaces_the_profile_and_keeps_the_place()
    {
        (Miner miner, long epoch) = await _house.JoinAsync();
        int slot = miner.Slot;
        _house.Pass(90);
        Assert.True(await Registry.RegisterAsync(miner, epoch, RegistryHouse.Profile with { Price = new TokenPrice(7) }, claim: null));
        Assert.Equal((slot, LeaseState.Online), (miner.Slot, miner.State));
        Assert.Equal(new TokenPrice(7), Assert.Single(_house.Candidates()).Price);
    }

    [Fact]
    public async Task Another_region_is_another_place_with_the_same_lease_load_and_round_trip()
    {
        (Miner miner, long epoch) = await _house.JoinAsync();
        Assert.True(Registry.Report(miner, epoch, new MinerReport(2)));
        miner.RttMs = 30;
        int slot = miner.Slot;
        _house.Pass(30);
        Assert.True(await Registry.ChangeProfileAsync(miner, _ => s_other));
        Assert.NotEqual(slot, miner.Slot);
        MatchCandidate moved = Assert.Single(_house.Candidates());
        Assert.Equal(("us", s_other.Price, 2, 30), (moved.Offer.Profile.Region, moved.Price, moved.Load, moved.RttMs));
        _house.Pass(29);
        Assert.Equal((LeaseState.Online, 1), (miner.State, Registry.OnlineCount));
        _house.Pass(1);
        Assert.Equal((LeaseState.Degraded, 1), (miner.State, Registry.DegradedCount));
    }

    [Fact]
    public async Task Registration_during_which_a_newer_session_begins_does_not_count()
    {
        TaskCompletionSource store = _house.Store.Hold();
        (Miner miner, long older) = Registry.BeginSession("m");
        Task<bool> first = Registry.RegisterAsync(miner, older, s_other, claim: null).AsTask();
        (_, long newer) = Registry.BeginSession("m");
        Task<bool> second = Registry.RegisterAsync(miner, newer, RegistryHouse.Profile, claim: null).AsTask();
        store.SetResult();
        Assert.False(await first);
        Assert.True(await second);
        Assert.Equal("eu-west-1", Assert.Single(_house.Candidates()).Offer.Profile.Region);
        Assert.Equal([older, newer], _house.Store.Registrations.Select(r => r.Epoch));
    }

    [Fact]
    public async Task Registration_of_a_session_that_is_over_stores_its_claim_alone()
    {
        (Miner miner, long older) = Registry.BeginSession("m");
        await _house.JoinAsync();
        var claim = new StoredKeys([1]);
        Assert.False(await Registry.RegisterAsync(miner, older, s_other, claim));
        Assert.Equal("eu-west-1", Assert.Single(_house.Store.Registrations).Profile.Region);
        Assert.Same(claim, _house.Store.Keys["m"]);
    }

    [Fact]
    public async Task Registration_during_which_the_miner_leaves_offers_nobody()
    {
        TaskCompletionSource store = _house.Store.Hold();
        (Miner miner, long epoch) = Registry.BeginSession("m");
        Task<bool> registering = Registry.RegisterAsync(miner, epoch, RegistryHouse.Profile, claim: null).AsTask();
        await Registry.LeaveAsync(miner, epoch);
        store.SetResult();
        Assert.False(await registering);
        Assert.Equal(0, _house.Index.Count);
    }

    [Fact]
    public async Task Registration_during_which_the_socket_drops_is_offered_as_degraded()
    {
        TaskCompletionSource store = _house.Store.Hold();
        (Miner miner, long epoch) = Registry.BeginSession("m");
        Task<bool> registering = Registry.RegisterAsync(miner, epoch, RegistryHouse.Profile, claim: null).AsTask();
        Registry.Drop(miner, epoch);
        store.SetResult();
        Assert.True(await registering);
        Assert.True(_house.Offered()["m"]);
        _house.Pass(1);
        Assert.Equal(LeaseState.Degraded, miner.State);
        _house.Beat(miner);
        Assert.Equal(LeaseState.Online, miner.State);
    }

    [Fact]
    public async Task Registration_after_a_drop_is_online()
    {
        (Miner miner, long epoch) = await _house.JoinAsync();
        Registry.Drop(miner, epoch);
        await _house.JoinAsync();
        _house.Pass(1);
        Assert.Equal(LeaseState.Online, miner.State);
    }

    [Fact]
    public async Task Change_of_the_profile_is_durable_and_offered_and_no_sign_of_life()
    {
        (Miner miner, _) = await _house.JoinAsync();
        DateTimeOffset seen = _house.Now;
        _house.Pass(60);
        Assert.True(await Registry.ChangeProfileAsync(miner, p => p with { Price = new TokenPrice(5) }));
        Assert.Equal(new TokenPrice(5), Assert.Single(_house.Candidates()).Price);
        Assert.Equal(LeaseState.Degraded, miner.State);
        Assert.Equal(seen, _house.Store.Registrations[^1].At);
    }

    [Fact]
    public async Task Miners_that_say_the_same_share_one_copy_of_it()
    {
        (Miner first, _) = await _house.JoinAsync("first");
        (Miner second, _) = await _house.JoinAsync("second");
        foreach (Miner miner in (Miner[])[first, second])
        {
            string[] tags = [new string("spot"), new string("nvlink")];
            Assert.True(await Registry.ChangeProfileAsync(miner, p => p with { Region = new string("eu-1"), Tags = tags }));
        }
        Assert.Same(first.Profile!.Region, second.Profile!.Region);
        Assert.Same(first.Profile.Tags, second.Profile.Tags);
        Assert.Equal(["spot", "nvlink"], second.Profile.Tags);
    }

    [Fact]
    public async Task Changes_at_once_lose_none()
    {
        (Miner miner, _) = await _house.JoinAsync();
        TaskCompletionSource store = _house.Store.Hold();
        Task<bool> price = Registry.ChangeProfileAsync(miner, p => p with { Price = new TokenPrice(5) }).AsTask();
        Task<bool> tags = Registry.ChangeProfileAsync(miner, p => p with { Tags = ["spot"] }).AsTask();
        store.SetResult();
        Assert.True(await price && await tags);
        Assert.Equal(new TokenPrice(5), miner.Profile!.Price);
        Assert.Equal(["spot"], miner.Profile.Tags);
        Assert.Equivalent(miner.Profile, _house.Store.Registrations[^1].Profile, strict: true);
    }

    [Fact]
    public async Task Change_of_a_miner_that_never_registered_or_has_left_is_refused()
    {
        (Miner stranger, _) = Registry.BeginSession("stranger");
        Assert.False(await Registry.ChangeProfileAsync(stranger, p => p));
        (Miner miner, long epoch) = await _house.JoinAsync();
        TaskCompletionSource store = _house.Store.Hold();
        Task<bool> change = Registry.ChangeProfileAsync(miner, p => p with { Price = new TokenPrice(5) }).AsTask();
        await Registry.LeaveAsync(miner, epoch);
        store.SetResult();
        Assert.False(await change);
        Assert.Equal(RegistryHouse.Profile, miner.Profile);
    }

    [Fact]
    public async Task Drain_keeps_the_miner_online_and_out_of_matches()
    {
        (Miner miner, long epoch) = await _house.JoinAsync();
        await Registry.SetDrainingAsync(miner, true);
        Assert.Empty(_house.Offered());
        _house.Pass(1);
        Assert.Equal((LeaseState.Online, 1), (miner.State, _house.Index.Count));
        await Registry.LeaveAsync(miner, epoch);
        await _house.JoinAsync();
        Assert.Empty(_house.Offered());
        await Registry.SetDrainingAsync(miner, false);
        Assert.Single(_house.Offered());
    }

    [Fact]
    public async Task Ejection_keeps_the_miner_out_of_matches_until_it_ends()
    {
        Miner[] miners = await _house.JoinManyAsync(10);
        await _house.FailAsync("m3", 5);
        Assert.Equal(9, _house.Offered().Count);
        Assert.DoesNotContain("m3", _house.Offered());
        await Registry.LeaveAsync(miners[3], miners[3].Epoch);
        await _house.JoinAsync("m3");
        Assert.DoesNotContain("m3", _house.Offered());
        await Registry.SetDrainingAsync(miners[3], true);
        await Registry.SetDrainingAsync(miners[3], false);
        Assert.DoesNotContain("m3", _house.Offered());
        _house.Pass(30, miners);
        _house.Trust.Sweep(_house.Now);
        Assert.Contains("m3", _house.Offered());
        Assert.Equal(_house.Trust.Score("m3"), _house.Candidates().Single(c => c.Offer.MinerId == "m3").Trust);
    }

    [Fact]
    public async Task Listing_goes_on_after_its_cursor_in_the_order_of_ids()
    {
        foreach (string id in new[] { "b", "a", "B", "c" })
        {
            await _house.JoinAsync(id);
        }
        Registry.BeginSession("never-registered");
        Assert.Equal(["B", "a", "b", "c"], Registry.After(null).Select(m => m.Id));
        Assert.Equal(["b", "c"], Registry.After("a").Select(m => m.Id));
        Assert.Empty(Registry.After("c"));
    }
}

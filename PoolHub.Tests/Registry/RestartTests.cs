using PoolHub.Daemon.Registry;
using PoolHub.Daemon.Storage;
using PoolHub.Protocol;

namespace PoolHub.Tests.Registry;

public sealed class RestartTests
{
    private readonly RegistryHouse _house = new();

    private MinerRegistry Registry => _house.Registry;

    [Fact]
    public void Restart_offers_those_last_seen_within_the_grace_as_degraded()
    {
        Registry.Load([Stored("now", 0), Stored("lease", 61), Stored("grace", 119), Stored("gone", 120), Stored("old", 1e9)]);
        Assert.Equal(["grace", "lease", "now"], _house.Offered().Keys.Order());
        Assert.All(_house.Offered().Values, Assert.True);
        Assert.Equal((5, 0, 3), (Registry.Known, Registry.OnlineCount, Registry.DegradedCount));
        Assert.Equal(LeaseState.Offline, Registry.Find("gone")!.State);
    }

    [Fact]
    public void Restart_does_not_give_a_grace_anew()
    {
        Registry.Load([Stored("a", 100), Stored("b", 0)]);
        Assert.Empty(_house.Pass(19));
        Assert.Equal(["a"], _house.Pass(1).Select(m => m.Id));
        Assert.Empty(_house.Pass(99));
        Assert.Equal(["b"], _house.Pass(1).Select(m => m.Id));
    }

    [Fact]
    public void Restart_brings_no_miner_online_before_it_speaks()
    {
        Registry.Load([Stored("m", 5)]);
        Miner miner = Registry.Find("m")!;
        _house.Pass(1);
        Assert.Equal(LeaseState.Degraded, miner.State);
        Assert.True(Registry.Renew(miner, epoch: 7));
        Assert.Equal(LeaseState.Online, miner.State);
    }

    [Fact]
    public void Restart_after_the_clock_went_back_counts_the_future_as_now()
    {
        Registry.Load([Stored("m", -86_400 * 365)]);
        Miner miner = Registry.Find("m")!;
        Assert.True(_house.Offered()["m"]);
        Assert.Equal(_house.Now.ToUnixTimeMilliseconds(), miner.LastSeenMs);
        Assert.Empty(_house.Pass(119));
        Assert.Equal([miner], _house.Pass(1));
    }

    [Fact]
    public void Restart_knows_but_does_not_offer_who_never_registered_or_never_came()
    {
        Registry.Load([Stored("key-only", 0) with { Profile = null }, Stored("never", 0) with { LastSeenAt = null }]);
        Assert.Empty(_house.Offered());
        Assert.Equal(2, Registry.Known);
        Assert.Equal(["never"], Registry.After(null).Select(m => m.Id));
    }

    [Fact]
    public void Restart_does_not_offer_who_had_left()
    {
        Registry.Load([Stored("left", 1) with { Epoch = 8 }, Stored("stayed", 1)]);
        Assert.Equal(["stayed"], _house.Offered().Keys);
        Assert.Equal(LeaseState.Offline, Registry.Find("left")!.State);
    }

    [Fact]
    public void Restart_remembers_the_last_status()
    {
        var status = new StoredStatus("m", 2, true, 400, 60, 7.5, _house.Now);
        Registry.Load([Stored("m", 0) with { Status = status }]);
        Assert.Equal(2, Assert.Single(_house.Candidates()).Load);
        Assert.Equal(status, Registry.Find("m")!.ToStatus());
        Assert.Empty(Registry.TakeDirty());
    }

    [Fact]
    public void Restart_of_a_fleet_that_does_not_come_back_is_doubted()
    {
        Registry.Load(Enumerable.Range(0, 50).Select(i => Stored($"m{i}", 0)));
        Assert.Empty(_house.Pass(120));
        Assert.True(Registry.Guard.Active);
        _house.Beat(Enumerable.Range(0, 50).Select(i => Registry.Find($"m{i}")!));
        _house.Pass(1);
        Assert.Equal((false, 50), (Registry.Guard.Active, Registry.OnlineCount));
    }

    private StoredMiner Stored(string id, double ageSec) => new(
        id, RegistryHouse.Profile with { Price = new TokenPrice(1) }, 7, 7, new StoredKeys([1]), TrustState.None, null,
        DateTimeOffset.UnixEpoch, _house.Now.AddSeconds(-ageSec));
}

using PoolHub.Daemon.Registry;

namespace PoolHub.Tests.Registry;

public sealed class MassLossGuardTests
{
    private readonly RegistryHouse _house = new();

    private MinerRegistry Registry => _house.Registry;
    private MassLossGuard Guard => _house.Registry.Guard;

    [Theory]
    [InlineData(100, 15, false)]
    [InlineData(100, 19, false)]
    [InlineData(100, 20, true)]
    [InlineData(133, 20, true)]
    [InlineData(134, 20, false)]
    [InlineData(200, 30, false)]
    [InlineData(200, 31, true)]
    [InlineData(19, 19, false)]
    [InlineData(20, 20, true)]
    public async Task Loss_is_doubted_when_it_is_of_more_than_fifteen_percent_and_twenty_miners(int fleet, int silent, bool doubted)
    {
        Miner[] miners = await _house.JoinManyAsync(fleet);
        Assert.Empty(_house.Pass(119, miners[silent..]));
        Assert.False(Guard.Active);
        Assert.Equal(doubted ? 0 : silent, _house.Pass(1, miners[silent..]).Count);
        Assert.Equal((doubted, doubted ? silent : 0), (Guard.Active, Guard.Held));
        Assert.Equal((fleet - silent, doubted ? silent : 0), (Registry.OnlineCount, Registry.DegradedCount));
        Assert.Equal(doubted ? fleet : fleet - silent, _house.Index.Count);
    }

    [Fact]
    public async Task Doubt_ends_after_ten_minutes_and_the_loss_is_believed()
    {
        Miner[] miners = await _house.JoinManyAsync(100);
        Assert.Empty(_house.Pass(120 + 599, miners[30..]));
        Assert.True(Guard.Active);
        Assert.All(miners[..30], miner => Assert.Equal(LeaseState.Degraded, miner.State));
        Assert.Equal(30, _house.Pass(1, miners[30..]).Count);
        Assert.Equal((false, 0), (Guard.Active, Guard.Held));
        Assert.Equal(70, _house.Index.Count);
    }

    [Fact]
    public async Task Doubt_ends_with_the_next_sweep_when_the_loss_is_accepted()
    {
        Miner[] miners = await _house.JoinManyAsync(100);
        _house.Pass(130, miners[30..]);
        Guard.Accept();
        Assert.Equal(30, _house.Pass(1, miners[30..]).Count);
        Assert.False(Guard.Active);
    }

    [Fact]
    public async Task Doubt_ends_when_enough_heartbeats_come_back()
    {
        Miner[] miners = await _house.JoinManyAsync(100);
        _house.Pass(130, miners[30..]);
        _house.Beat(miners[..10]);
        Assert.Empty(_house.Pass(1, miners[30..]));
        Assert.Equal((true, 20), (Guard.Active, Guard.Held));
        _house.Beat(miners[..15]);
        Assert.Equal(15, _house.Pass(1, miners[30..]).Count);
        Assert.False(Guard.Active);
        Assert.Equal((85, 0), (Registry.OnlineCount, Registry.DegradedCount));
    }

    [Fact]
    public async Task Loss_whose_graces_end_one_by_one_is_doubted_from_the_first()
    {
        Miner[] miners = await _house.JoinManyAsync(100);
        GoSilentOneByOne(miners, 60);
        Assert.Empty(_house.Pass(120, miners[60..]));
        Assert.Equal((true, 60), (Guard.Active, Guard.Held));
        Assert.Equal((40, 60), (Registry.OnlineCount, Registry.DegradedCount));
    }

    [Fact]
    public async Task Loss_that_was_accepted_is_accepted_of_all_who_were_silent()
    {
        Miner[] miners = await _house.JoinManyAsync(100);
        GoSilentOneByOne(miners, 60);
        _house.Pass(61, miners[60..]);
        Assert.True(Guard.Active);
        Assert.InRange(Guard.Held, 1, 5);
        Guard.Accept();
        int gone = 0;
        for (int sec = 0; sec < 60; sec++)
        {
            gone += _house.Pass(1, miners[60..]).Count;
            Assert.False(Guard.Active);
        }
        Assert.Equal((60, 40), (gone, _house.Index.Count));
    }

    [Fact]
    public async Task Loss_after_one_that_was_believed_is_doubted_again()
    {
        Miner[] miners = await _house.JoinManyAsync(200);
        _house.Pass(130, miners[50..]);
        Guard.Accept();
        Assert.Equal(50, _house.Pass(1, miners[50..]).Count);
        _house.Pass(5, miners[50..]);
        Assert.Empty(_house.Pass(120, miners[100..]));
        Assert.Equal((true, 50), (Guard.Active, Guard.Held));
    }

    [Fact]
    public async Task Accept_while_nothing_is_doubted_means_nothing_later()
    {
        Miner[] miners = await _house.JoinManyAsync(100);
        _house.Pass(119, miners[30..]);
        Guard.Accept();
        Assert.Empty(_house.Pass(1, miners[30..]));
        Assert.True(Guard.Active);
    }

    [Fact]
    public async Task Loss_by_goodbye_is_never_doubted()
    {
        Miner[] miners = await _house.JoinManyAsync(100);
        foreach (Miner miner in miners[..50])
        {
            await Registry.LeaveAsync(miner, miner.Epoch);
        }
        _house.Pass(120, miners[50..]);
        Assert.Equal((false, 50), (Guard.Active, _house.Index.Count));
    }

    [Fact]
    public async Task Guard_of_no_time_doubts_nothing()
    {
        var house = new RegistryHouse(new RegistryOptions(GuardSec: 0));
        await house.JoinManyAsync(100);
        Assert.Equal(100, house.Pass(120).Count);
    }

    [Fact]
    public async Task Reload_takes_another_limit_over()
    {
        Miner[] miners = await _house.JoinManyAsync(100);
        Registry.Reload(new RegistryOptions(GuardPercent: 50));
        Assert.Equal(30, _house.Pass(120, miners[30..]).Count);
    }

    [Fact]
    public async Task Reload_with_another_grace_believes_a_loss_for_the_grace_that_leases_have()
    {
        Miner[] miners = await _house.JoinManyAsync(100);
        GoSilentOneByOne(miners, 60);
        _house.Pass(61, miners[60..]);
        Guard.Accept();
        Registry.Reload(new RegistryOptions(LeaseTtlSec: 2, GraceSec: 3));
        int gone = 0;
        for (int sec = 0; sec < 60; sec++)
        {
            gone += _house.Pass(1, miners[60..]).Count;
            Assert.False(Guard.Active);
        }
        Assert.Equal(60, gone);
    }

    /// <summary>The first miners send their last heartbeats a second apart.</summary>
    private void GoSilentOneByOne(Miner[] miners, int count)
    {
        for (int i = 0; i < count; i++)
        {
            Assert.Empty(_house.Pass(1, miners[i..]));
        }
    }
}

using PoolHub.Daemon.Registry;

namespace PoolHub.Tests.Registry;

public sealed class FlapGuardTests
{
    private readonly RegistryHouse _house = new();

    private MinerRegistry Registry => _house.Registry;

    [Fact]
    public void Sixteenth_connection_in_a_minute_is_sent_away_and_told_for_how_long()
    {
        Connect(15, every: TimeSpan.FromSeconds(3));
        Assert.Equal(TimeSpan.FromSeconds(60), Registry.RefuseFlapping("m"));
        _house.Time.Advance(TimeSpan.FromSeconds(20));
        Assert.Equal(TimeSpan.FromSeconds(40), Registry.RefuseFlapping("m"));
    }

    [Fact]
    public void Connections_spread_over_more_than_a_minute_are_let_in() => Connect(200, every: TimeSpan.FromSeconds(4));

    [Fact]
    public void Miner_may_come_again_when_its_time_is_over()
    {
        Connect(15, every: TimeSpan.Zero);
        Assert.NotNull(Registry.RefuseFlapping("m"));
        _house.Time.Advance(TimeSpan.FromSeconds(60) - TimeSpan.FromTicks(1));
        Assert.Equal(TimeSpan.FromTicks(1), Registry.RefuseFlapping("m"));
        _house.Time.Advance(TimeSpan.FromTicks(1));
        Connect(15, every: TimeSpan.Zero);
        Assert.NotNull(Registry.RefuseFlapping("m"));
    }

    [Fact]
    public void Each_miner_is_counted_for_itself_and_only_once_it_is_known()
    {
        Connect(15, every: TimeSpan.Zero);
        Assert.NotNull(Registry.RefuseFlapping("m"));
        Registry.BeginSession("other");
        Assert.Null(Registry.RefuseFlapping("other"));
        Assert.All(Enumerable.Range(0, 100), _ => Assert.Null(Registry.RefuseFlapping("stranger")));
    }

    [Fact]
    public void Limit_of_none_lets_everybody_in()
    {
        var house = new RegistryHouse(new RegistryOptions(FlapLimitPerMin: 0));
        house.Registry.BeginSession("m");
        Assert.All(Enumerable.Range(0, 100), _ => Assert.Null(house.Registry.RefuseFlapping("m")));
    }

    [Fact]
    public void Reload_takes_another_limit_over()
    {
        Connect(10, every: TimeSpan.Zero);
        Registry.Reload(new RegistryOptions(FlapLimitPerMin: 11, FlapBanSec: 7));
        Connect(1, every: TimeSpan.Zero);
        Assert.Equal(TimeSpan.FromSeconds(7), Registry.RefuseFlapping("m"));
    }

    private void Connect(int times, TimeSpan every)
    {
        Registry.BeginSession("m");
        for (int i = 0; i < times; i++)
        {
            Assert.Null(Registry.RefuseFlapping("m"));
            _house.Time.Advance(every);
        }
    }
}

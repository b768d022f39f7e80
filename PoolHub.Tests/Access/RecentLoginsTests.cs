using System.Net;
using PoolHub.Daemon.Access;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Access;

public sealed class RecentLoginsTests
{
    private readonly HandClock _time = new();
    private readonly RecentLogins _recent;

    public RecentLoginsTests() => _recent = new RecentLogins(_time);

    [Fact]
    public void Address_is_known_for_a_day_after_it_was_seen_last()
    {
        Assert.False(_recent.Contains(From(1)));
        Assert.True(_recent.See(From(1)));
        Assert.False(_recent.See(From(1)));
        _time.Advance(RecentLogins.Lately - TimeSpan.FromSeconds(1));
        Assert.True(_recent.Contains(From(1)));
        Assert.True(_recent.See(From(1)));
        _time.Advance(RecentLogins.Lately - TimeSpan.FromSeconds(1));
        Assert.True(_recent.Contains(From(1)));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.False(_recent.Contains(From(1)));
    }

    [Fact]
    public void Those_who_are_there_stay_when_too_many_were()
    {
        for (int i = 1; i <= 400_000; i++)
        {
            if (i % 100_000 == 1)
            {
                _time.Advance(TimeSpan.FromHours(5));
            }
            _ = _recent.See(From(i));
            if (i % 10_000 == 1)
            {
                _time.Advance(TimeSpan.FromMinutes(1));
                _ = _recent.See(From(1));
            }
        }
        Assert.True(_recent.Contains(From(1)));
        Assert.True(_recent.Contains(From(400_000)));
        Assert.False(_recent.Contains(From(2)));
    }

    private static AddressBlock From(int number) => AddressBlock.Of(new IPAddress(BitConverter.GetBytes(number)));
}

using PoolHub.Daemon.Access;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Access;

public sealed class LinePaceTests
{
    [Fact]
    public void Lines_of_a_minute_are_bounded_and_the_first_of_a_later_one_says_how_many_were_left_out()
    {
        var time = new HandClock();
        var pace = new LinePace(time);
        for (int minute = 0; minute < 3; minute++)
        {
            for (int i = 0; i < 50; i++)
            {
                Assert.Equal(i < LinePace.LinesPerMinute, pace.TryTake(out int leftOut));
                Assert.Equal(i == 0 && minute > 0 ? 50 - LinePace.LinesPerMinute : 0, leftOut);
            }
            time.Advance(TimeSpan.FromMinutes(1));
        }
    }
}

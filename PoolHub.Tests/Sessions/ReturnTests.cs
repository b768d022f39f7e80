using PoolHub.Daemon.Sessions;

namespace PoolHub.Tests.Sessions;

public sealed class ReturnTests
{
    [Theory]
    [InlineData(0, 120, 1_000)]
    [InlineData(200, 120, 1_000)]
    [InlineData(1_000, 120, 5_000)]
    [InlineData(10_000, 120, 50_000)]
    [InlineData(1_000_000, 120, 60_000)]
    [InlineData(1_000_000, 20, 10_000)]
    [InlineData(1_000_000, 1, 1_000)]
    public void Miners_return_over_a_time_that_grows_with_them_and_stays_within_their_grace(int miners, int graceSec, int withinMs) =>
        Assert.Equal(withinMs, Conversations.ReturnWithinMs(miners, graceSec));
}

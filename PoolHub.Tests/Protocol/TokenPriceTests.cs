using PoolHub.Protocol;

namespace PoolHub.Tests.Protocol;

public sealed class TokenPriceTests
{
    [Theory]
    [InlineData(0.75, 75_000_000)]
    [InlineData(0, 0)]
    [InlineData(0.000000005, 0)]
    [InlineData(0.000000015, 2)]
    public void TokenPrice_from_tokens_is_the_nearest_unit(double tokens, long e8)
    {
        Assert.True(TokenPrice.TryFromTokens((decimal)tokens, out TokenPrice price));
        Assert.Equal(e8, price.E8);
    }

    [Theory]
    [InlineData(-0.01)]
    [InlineData(1_000_000_001)]
    public void TokenPrice_out_of_range_is_refused(double tokens) =>
        Assert.False(TokenPrice.TryFromTokens((decimal)tokens, out _));
}

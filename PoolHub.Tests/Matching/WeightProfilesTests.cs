using PoolHub.Daemon.Matching;

namespace PoolHub.Tests.Matching;

public sealed class WeightProfilesTests
{
    [Fact]
    public void WeightProfiles_are_divided_by_their_sum()
    {
        Assert.True(Weights.TryParse("cap:4, price:2 ,latency : 1,trust:1", out Weights weights, out _));
        Assert.Equal(new Weights(0.5, 0.25, 0.125, 0.125, 0), weights);
    }

    [Theory]
    [InlineData("cap:0.4,speed:1", "unknown term 'speed'")]
    [InlineData("cap:-0.1", "the weight of 'cap'")]
    [InlineData("cap:NaN", "the weight of 'cap'")]
    [InlineData("cap:Infinity", "the weight of 'cap'")]
    [InlineData("cap:1e300", "the weight of 'cap'")]
    [InlineData("cap:", "the weight of 'cap'")]
    [InlineData("cap", "term:weight")]
    [InlineData("", "term:weight")]
    [InlineData("cap:1,", "term:weight")]
    [InlineData("cap:1,cap:2", "twice")]
    [InlineData("cap:0,price:0", "above 0")]
    public void WeightProfiles_of_bad_text_say_what_is_wrong(string text, string says)
    {
        Assert.False(WeightProfiles.TryCreate(text, [], out _, out string? problem));
        Assert.Contains("'default'", problem, StringComparison.Ordinal);
        Assert.Contains(says, problem, StringComparison.Ordinal);
    }

    [Fact]
    public void WeightProfiles_take_the_operators_own_and_let_him_redefine_the_built_in()
    {
        Assert.True(WeightProfiles.TryCreate("cap:1", [new("night", "price:1"), new("fastest", "latency:1")], out WeightProfiles? profiles, out _));
        Assert.Equal(["default", "cheapest", "fastest", "spread", "night"], profiles.Names);
        Assert.True(profiles.TryGet("night", out Weights night));
        Assert.Equal(new Weights(0, 1, 0, 0, 0), night);
        Assert.True(profiles.TryGet("fastest", out Weights fastest));
        Assert.Equal(new Weights(0, 0, 1, 0, 0), fastest);
        Assert.False(profiles.TryGet("Night", out _));
    }

    [Theory]
    [InlineData("default", "price:1", "DEFAULT_WEIGHTS")]
    [InlineData("Bad Name", "price:1", "'Bad Name'")]
    [InlineData("", "price:1", "''")]
    [InlineData("night", "price:x", "'night'")]
    public void WeightProfiles_of_a_bad_extra_name_it(string name, string text, string says)
    {
        Assert.False(WeightProfiles.TryCreate("cap:1", [new(name, text)], out _, out string? problem));
        Assert.Contains(says, problem, StringComparison.Ordinal);
    }
}

using CsCheck;
using PoolHub.Protocol;

namespace PoolHub.Tests.Protocol;

public sealed class MinerKeyTests
{
    [Fact]
    public void MinerKey_created_is_well_formed_and_unlike_any_other()
    {
        string[] keys = [.. Enumerable.Range(0, 100).Select(_ => MinerKey.Create())];
        Assert.All(keys, key =>
        {
            Assert.Equal(MinerKeyForm.WellFormed, MinerKey.Check(key));
            Assert.True(MinerKey.IsUsable(key));
            Assert.Equal(53, key.Length);
        });
        Assert.Equal(keys.Length, keys.Distinct().Count());
    }

    [Fact]
    public void MinerKey_of_known_bits_is_the_one_in_the_documents() =>
        Assert.Equal(MinerKeyForm.WellFormed, MinerKey.Check(GoldenVectors.Key));

    [Fact]
    public void MinerKey_with_one_character_changed_is_a_typo() =>
        Gen.Select(Gen.Int[4, 52], Gen.Char["ABCxyz019-_ é"]).Sample((at, c) =>
        {
            string mistyped = GoldenVectors.Key[..at] + c + GoldenVectors.Key[(at + 1)..];
            Assert.True(mistyped == GoldenVectors.Key || MinerKey.Check(mistyped) == MinerKeyForm.Typo);
        });

    [Fact]
    public void MinerKey_with_two_neighbours_swapped_is_a_typo()
    {
        for (int at = 4; at < GoldenVectors.Key.Length - 1; at++)
        {
            char[] swapped = GoldenVectors.Key.ToCharArray();
            (swapped[at], swapped[at + 1]) = (swapped[at + 1], swapped[at]);
            Assert.True(swapped[at] == swapped[at + 1] || MinerKey.Check(new string(swapped)) == MinerKeyForm.Typo);
        }
    }

    [Theory]
    [InlineData("phk_")]
    [InlineData("phk_short")]
    public void MinerKey_cut_short_is_a_typo_and_not_usable(string key)
    {
        Assert.Equal(MinerKeyForm.Typo, MinerKey.Check(key));
        Assert.False(MinerKey.IsUsable(key));
    }

    [Theory]
    [InlineData("", false)]
    [InlineData("123456789012345", false)]
    [InlineData("1234567890123456", true)]
    [InlineData("a key of my own making", true)]
    [InlineData("1234567890123456\n", false)]
    public void MinerKey_without_the_prefix_is_foreign(string key, bool usable)
    {
        Assert.Equal(MinerKeyForm.Foreign, MinerKey.Check(key));
        Assert.Equal(usable, MinerKey.IsUsable(key));
    }

    [Fact]
    public void MinerKey_foreign_of_more_than_128_characters_is_not_usable() => Assert.False(MinerKey.IsUsable(new string('k', 129)));
}

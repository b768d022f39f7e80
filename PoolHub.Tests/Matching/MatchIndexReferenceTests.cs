using CsCheck;
using PoolHub.Protocol.Http;

namespace PoolHub.Tests.Matching;

public sealed class MatchIndexReferenceTests
{
    [Fact]
    public void MatchIndex_of_random_fleets_answers_as_the_reference() =>
        Gen.Select(Gen.Int[0, 60], Gen.Int).Sample(
            (size, seed) =>
            {
                TwinFleet fleet = TwinFleet.Create(size, seed);
                for (int i = 0; i < 5; i++)
                {
                    fleet.AssertSameAnswer(fleet.NextRequest());
                }
            },
            iter: 2_000);

    [Fact]
    public void MatchIndex_after_random_changes_answers_as_the_reference() =>
        Gen.Select(Gen.Int[0, 30], Gen.Int[0, 300], Gen.Int).Sample(
            (size, changes, seed) =>
            {
                TwinFleet fleet = TwinFleet.Create(size, seed);
                for (int i = 0; i < changes; i++)
                {
                    fleet.Disturb();
                    if (i % 50 == 0)
                    {
                        fleet.AssertSameAnswer(fleet.NextRequest());
                    }
                }
                fleet.AssertSameAnswer(fleet.NextRequest());
            },
            iter: 500);

    [Theory]
    [InlineData(4_096)]
    [InlineData(4_097)]
    [InlineData(9_000)]
    public void MatchIndex_of_several_segments_answers_as_the_reference(int size)
    {
        TwinFleet fleet = TwinFleet.Create(size, seed: size);
        for (int round = 0; round < 15; round++)
        {
            for (int i = 0; i < 300; i++)
            {
                fleet.Disturb();
            }
            fleet.AssertSameAnswer(fleet.NextRequest());
            fleet.AssertSameAnswer(new MatchRequest { JobId = $"any-{round}", TopK = 100 });
        }
    }

    /// <summary>So many that each region has segments of its own, and prices decide for whole segments.</summary>
    [Fact]
    public void MatchIndex_of_a_large_fleet_added_at_once_answers_as_the_reference()
    {
        var fleet = new TwinFleet(seed: 30);
        fleet.AddAll(50_000);
        for (int round = 0; round < 60; round++)
        {
            fleet.AssertSameAnswer(fleet.NextRequest());
            fleet.Disturb();
        }
    }

    [Fact]
    public void MatchIndex_emptied_and_filled_again_answers_as_the_reference()
    {
        TwinFleet fleet = TwinFleet.Create(size: 200, seed: 7);
        foreach (ReferenceMiner miner in fleet.Reference.Miners.ToArray())
        {
            fleet.Remove(miner);
        }
        Assert.Equal(0, fleet.Index.Count);
        fleet.AssertSameAnswer(fleet.NextRequest());
        for (int i = 0; i < 200; i++)
        {
            fleet.Add();
        }
        for (int i = 0; i < 50; i++)
        {
            fleet.AssertSameAnswer(fleet.NextRequest());
        }
    }
}

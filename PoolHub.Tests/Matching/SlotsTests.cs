using Microsoft.Extensions.Time.Testing;
using PoolHub.Daemon.Matching;
using PoolHub.Protocol;
using PoolHub.Protocol.Http;

namespace PoolHub.Tests.Matching;

public sealed class SlotsTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void Slots_freed_rest_until_enough_others_are_free_and_the_time_is_over()
    {
        var slots = new Slots(_time, limit: 10_000);
        int[] taken = [.. Enumerable.Range(0, Slots.MinResting + 1).Select(_ => slots.Take())];
        Assert.Equal(taken.Length, taken.Distinct().Count());
        foreach (int slot in taken[..^1])
        {
            slots.Free(slot);
        }
        _time.Advance(Slots.MinRest);
        Assert.Equal(taken.Length, slots.Take()); // old enough, but too few rest
        slots.Free(taken[^1]);
        Assert.Equal(taken[0], slots.Take());
    }

    [Fact]
    public void Slots_freed_just_now_are_not_taken_again()
    {
        var slots = new Slots(_time, limit: 10_000);
        int[] taken = [.. Enumerable.Range(0, Slots.MinResting * 2).Select(_ => slots.Take())];
        Array.ForEach(taken, slots.Free);
        _time.Advance(Slots.MinRest - TimeSpan.FromMilliseconds(1));
        Assert.Equal(taken.Length, slots.Take());
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(taken[0], slots.Take());
    }

    [Fact]
    public void Slots_at_the_limit_are_taken_early_and_then_run_out()
    {
        var slots = new Slots(_time, limit: 2);
        Assert.Equal(0, slots.Take());
        Assert.Equal(1, slots.Take());
        slots.Free(1);
        Assert.Equal(1, slots.Take());
        Assert.Throws<InvalidOperationException>(() => slots.Take());
    }

    [Fact]
    public void MatchIndex_slot_used_again_starts_afresh()
    {
        var index = new MatchIndex(_time, limit: 1);
        var profile = new MinerProfile { Addr = "10.0.0.1:9000", Proto = "grpc", Tags = ["old"], Price = new TokenPrice(50) };
        int slot = index.Add("old", profile, degraded: true, available: true, trust: 1);
        index.SetLoad(slot, 1);
        index.SetRtt(slot, 9);
        index.SetServiceMs(slot, 9);
        index.Remove(slot);
        Assert.Equal(slot, index.Add("new", profile with { Tags = ["new"] }, degraded: false, available: true, trust: 0.25));

        Assert.True(MatchQuery.TryCreate(new MatchRequest { JobId = "j" }, WeightProfiles.BuiltIn, out MatchQuery? query, out _));
        var result = new MatchResult();
        index.Match(query, result);
        MatchCandidate only = Assert.Single(result.Candidates.ToArray());
        Assert.Equal(("new", false, 0.25, 0, -1, -1), (only.Offer.MinerId, only.Degraded, only.Trust, only.Load, only.RttMs, only.EtaMs));

        var old = new MatchRequest { JobId = "j", Requirements = new() { TagsAny = ["old"] } };
        Assert.True(MatchQuery.TryCreate(old, WeightProfiles.BuiltIn, out query, out _));
        index.Match(query, result);
        Assert.True(result.Candidates.IsEmpty);
    }
}

using PoolHub.Daemon.Matching;
using PoolHub.Protocol;

namespace PoolHub.Tests.Matching;

/// <summary>docs/http-api.md, "Holds": what belongs to whom, and how much of it, without HTTP.</summary>
public sealed class HoldCoordinatorTests
{
    private readonly HoldHouse _house = new();

    [Fact]
    public void Job_that_is_held_for_is_matched_without_a_hold_by_the_same_coordinator_alone()
    {
        _house.Add("m", maxParallel: 4);
        var result = new MatchResult();
        (string first, _) = _house.Hold(result, "j");
        Assert.Equal((null, 1_000), (result.HeldBy, result.HoldMs));
        (string second, string[] miners) = _house.Hold(result, "j");
        Assert.Equal(["m"], miners);
        Assert.Equal((first, 0, 1), (result.HeldBy, result.HoldMs, _house.Held("m")));
        Assert.Equal((HoldFault.None, 0), Release(second));
        _house.Hold(result, "j", tag: 2);
        Assert.Null(result.HeldBy);
        Assert.Equal(2, _house.Held("m"));
        Assert.Equal((HoldFault.None, 1), Release(first));
        _house.Hold(result, "j");
        Assert.Equal((null, 2), (result.HeldBy, _house.Held("m")));
    }

    [Theory]
    [InlineData(100, 1_000, int.MaxValue)]
    [InlineData(50, 1_000, 500)]
    [InlineData(50, 1_001, 501)]
    [InlineData(50, 5, 4)]
    [InlineData(50, 4, 3)]
    [InlineData(50, 1, 1)]
    [InlineData(50, 0, 1)]
    [InlineData(1, 1_000, 10)]
    [InlineData(1, 100, 4)]
    [InlineData(0, 1_000, 0)]
    public void Share_is_rounded_up_and_not_too_small_in_a_small_fleet(int percent, long slots, int most) =>
        Assert.Equal(most, new HoldShare(percent).Of(slots, 0).Most);

    [Fact]
    public void Coordinator_holds_its_share_and_no_more()
    {
        for (int i = 0; i < 20; i++)
        {
            _house.Add($"m{i}");
        }
        _house.Book.Share = new HoldShare(50);
        var result = new MatchResult();
        (string first, string[] miners) = _house.Hold(result, topK: 8);
        Assert.Equal((8, null), (miners.Length, result.Short));
        (_, miners) = _house.Hold(result, topK: 8);
        Assert.Equal((2, new HoldQuota(8, 10, 50)), (miners.Length, result.Short));
        (_, miners) = _house.Hold(result);
        Assert.Equal((0, new HoldQuota(10, 10, 50), 10), (miners.Length, result.Short, _house.Book.HeldBy(1)));
        Assert.Equal(8, _house.Hold(result, topK: 8, tag: 2).Miners.Length);
        Assert.Equal((HoldFault.None, 8), Release(first));
        Assert.Equal(8, _house.Hold(topK: 8).Miners.Length);
        // The fleet is smaller: what is held stays, and nothing is added.
        for (int i = 0; i < 20; i++)
        {
            if (_house.Held($"m{i}") == 0)
            {
                _house.Leave($"m{i}");
            }
        }
        Assert.Equal(18, _house.Index.Parallel);
        Assert.Empty(_house.Hold().Miners);
    }

    [Fact]
    public void Holds_are_listed_page_by_page_and_released_by_what_they_are()
    {
        _house.Add("a", maxParallel: 10);
        _house.Add("b", maxParallel: 10);
        string[] matches = [.. Enumerable.Range(0, 6).Select(i => _house.Hold($"j{i % 3}", topK: 2, tag: (uint)(i / 3)).MatchId)];
        Assert.Equal(12, List(new HoldFilter()));
        Assert.Equal(6, List(new HoldFilter(Tag: 1)));
        Assert.Equal(4, List(new HoldFilter(JobId: "j1")));
        Assert.Equal(2, List(new HoldFilter(Tag: 0, JobId: "j1")));
        Assert.Equal(6, List(new HoldFilter(MinerId: "a")));
        Assert.Equal(3, List(new HoldFilter(Tag: 1, MinerId: "a")));
        Assert.Equal(2, List(new HoldFilter(MatchId: matches[4])));
        Assert.Equal(0, List(new HoldFilter(Tag: 0, MatchId: matches[4])));
        Assert.Equal(0, List(new HoldFilter(MatchId: "other")));
        Assert.Equal(2, _house.Book.Release(new HoldFilter(Tag: 0, JobId: "j1")));
        Assert.Equal(1, _house.Book.Release(new HoldFilter(MatchId: matches[4], MinerId: "b")));
        Assert.Equal(5, _house.Book.Release(new HoldFilter(MinerId: "a")));
        Assert.Equal((4, 0, 4), (_house.Book.Live, _house.Held("a"), _house.Held("b")));
        Assert.Equal(2, _house.Book.Release(new HoldFilter(Tag: 1)));

        int List(HoldFilter filter)
        {
            List<LiveHold> all = [];
            for (long? after = 0; after is { } number;)
            {
                LiveHold[] page = _house.Book.List(filter, number, 2, out after);
                Assert.InRange(page.Length, 0, 2);
                all.AddRange(page);
            }
            Assert.Equal(all.Count, all.Distinct().Count());
            return all.Count;
        }
    }

    /// <summary>What expires together is not ended together, so that nobody waits; it is over all the same.</summary>
    [Fact]
    public void Thousands_that_expire_at_once_are_over_at_once_and_ended_in_turns()
    {
        for (int i = 0; i < 20; i++)
        {
            _house.Add($"m{i}", maxParallel: 100);
        }
        string[] matches = [.. Enumerable.Range(0, 100).Select(i => _house.Hold($"j{i}", topK: 20).MatchId)];
        Assert.Empty(_house.Hold().Miners);
        _house.Pass(1_000);
        _house.Book.EndExpired();
        Assert.InRange(_house.Book.Live, 1, 1_999);
        Assert.Equal(HoldFault.Ended, _house.Book.Renew(matches[99], null, null, out _, out EndedHold[] ended));
        Assert.All(ended, hold => Assert.Equal(HoldEnd.Expiry, hold.Reason));
        Assert.Equal(0, _house.EndByFeedback(null, "j98", "m0", taken: true));
        Assert.Empty(_house.Book.List(new HoldFilter(), 0, 5_000, out _));
        Assert.Equal(0, _house.Book.Release(new HoldFilter(MinerId: "m1")));
        var result = new MatchResult();
        _house.Hold(result, "j97");
        Assert.Null(result.HeldBy);
        _house.Book.EndAllExpired();
        Assert.Equal((1, 2_000), (_house.Book.Live, _house.Book.Ended(HoldEnd.Expiry)));
    }

    [Fact]
    public void Renewal_says_what_changed_and_what_has_ended()
    {
        _house.Add("a", maxParallel: 3);
        _house.Add("b");
        (string match, _) = _house.Hold("j", topK: 2);
        Assert.Equal((HoldFault.None, 1), Release(match, "b"));
        _house.Index.SetPrice(_house.Slot("a"), new TokenPrice(70_000_000));
        _house.Reshape("a", slotsBefore: 3, slotsNow: 2, load: 0);
        Assert.Equal(HoldFault.None, _house.Book.Renew(match, null, null, out LiveHold[] renewed, out EndedHold[] ended));
        LiveHold hold = Assert.Single(renewed);
        Assert.Equal((0m, 3, 2), (hold.MatchedPrice.Tokens, hold.MatchedMaxParallel, hold.MaxParallel));
        Assert.Equal([new EndedHold("b", HoldEnd.Release)], ended);
    }

    private (HoldFault Fault, int Released) Release(string match, string? miner = null) =>
        (_house.Book.Release(match, miner, out int released), released);
}

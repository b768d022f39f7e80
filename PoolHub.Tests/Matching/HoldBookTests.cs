using PoolHub.Daemon.Matching;

namespace PoolHub.Tests.Matching;

/// <summary>docs/http-api.md, "Holds", without HTTP.</summary>
public sealed class HoldBookTests
{
    private readonly HoldHouse _house = new();

    [Fact]
    public void Hold_takes_the_slot_from_every_match_until_it_expires_to_the_millisecond()
    {
        _house.Add("m");
        Assert.Equal(["m"], _house.Hold(holdMs: 1_000).Miners);
        Assert.Empty(_house.Hold().Miners);
        Assert.Empty(_house.Look());
        _house.Pass(999);
        Assert.Empty(_house.Look());
        _house.Pass(1);
        Assert.Equal(["m"], _house.Look());
        Assert.Equal((0, 0, 1), (_house.Held("m"), _house.Book.Live, _house.Book.Ended(HoldEnd.Expiry)));
    }

    [Fact]
    public void Hold_counts_beside_the_queue()
    {
        _house.Add("m", maxParallel: 3);
        _house.Index.SetLoad(_house.Slot("m"), 1);
        Assert.Equal(["m"], _house.Hold().Miners);
        Assert.Equal(["m"], _house.Hold().Miners);
        Assert.Empty(_house.Hold().Miners);
        _house.Index.SetLoad(_house.Slot("m"), 0);
        Assert.Equal(["m"], _house.Hold().Miners);
        Assert.Equal(3, _house.Held("m"));
    }

    [Fact]
    public void Slot_whose_miner_changed_since_it_was_selected_is_not_held()
    {
        _house.Add("m", maxParallel: 2);
        int slot = _house.Slot("m");
        Offer selected = _house.Index.Held.OfferAt(slot)!;
        _house.Index.SetLoad(slot, 2);
        Assert.False(_house.Index.Held.TryHold(slot, selected));
        _house.Index.SetLoad(slot, 1);
        Assert.True(_house.Index.Held.TryHold(slot, selected));
        Assert.False(_house.Index.Held.TryHold(slot, selected));
        _house.RegisterAnew("m", 4);
        Assert.False(_house.Index.Held.TryHold(slot, selected));
        _house.Leave("m");
        Assert.False(_house.Index.Held.TryHold(slot, selected));
    }

    [Fact]
    public void Release_frees_all_or_one_and_is_harmless_when_repeated()
    {
        _house.Add("a");
        _house.Add("b");
        (string match, string[] miners) = _house.Hold(topK: 2);
        Assert.Equal(2, miners.Length);
        Assert.Equal((HoldFault.None, 1), Release(match, "a"));
        Assert.Equal(["a"], _house.Look());
        Assert.Equal((HoldFault.None, 0), Release(match, "a"));
        Assert.Equal((HoldFault.None, 1), Release(match));
        Assert.Equal((HoldFault.None, 0), Release(match));
        Assert.Equal((HoldFault.UnknownMiner, 0), Release(match, "c"));
        Assert.Equal((HoldFault.UnknownMatch, 0), Release("other"));
        Assert.Equal(2, _house.Book.Ended(HoldEnd.Release));
        Assert.Equal(2, _house.Look().Length);
    }

    [Fact]
    public void Match_that_got_nobody_is_known_all_the_same()
    {
        (string match, string[] miners) = _house.Hold();
        Assert.Empty(miners);
        Assert.Equal((HoldFault.None, 0), Release(match));
    }

    [Fact]
    public void Renewal_begins_anew_and_may_shorten_but_does_not_raise_the_dead()
    {
        _house.Add("a");
        _house.Add("b");
        (string match, string[] miners) = _house.Hold(topK: 2, holdMs: 1_000);
        _house.Pass(900);
        Assert.Equal((HoldFault.None, $"{miners[0]} 1000, {miners[1]} 1000"), Renew(match));
        _house.Pass(900);
        Assert.Empty(_house.Look());
        Assert.Equal((HoldFault.None, "a 50"), Renew(match, "a", 50));
        Assert.Equal((HoldFault.None, "b 5000"), Renew(match, "b", 5_000));
        _house.Pass(50);
        Assert.Equal(["a"], _house.Look());
        Assert.Equal((HoldFault.Ended, ""), Renew(match, "a"));
        Assert.Equal((HoldFault.UnknownMiner, ""), Renew(match, "c"));
        Assert.Equal((HoldFault.None, "b 1000"), Renew(match));
        _house.Pass(1_000);
        Assert.Equal((HoldFault.Ended, ""), Renew(match));
        Assert.Equal((HoldFault.UnknownMatch, ""), Renew("other"));
        Assert.Equal(2, _house.Book.Ended(HoldEnd.Expiry));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Miner_that_took_the_job_frees_the_others_and_one_that_did_not_itself_alone(bool named)
    {
        _house.Add("a");
        _house.Add("b");
        _house.Add("c");
        (string match, _) = _house.Hold("j", topK: 3);
        Assert.Equal(0, _house.EndByFeedback(named ? match : null, "other", "a", taken: true));
        Assert.Equal(0, _house.EndByFeedback(named ? match : null, "j", "stranger", taken: true));
        Assert.Equal(1, _house.EndByFeedback(named ? match : null, "j", "a", taken: false));
        Assert.Equal(["a"], _house.Look());
        Assert.Equal(2, _house.EndByFeedback(named ? match : null, "j", "b", taken: true));
        Assert.Equal(0, _house.EndByFeedback(named ? match : null, "j", "b", taken: true));
        Assert.Equal((3, 3), (_house.Look().Length, _house.Book.Ended(HoldEnd.Feedback)));
    }

    [Fact]
    public void Feedback_ends_the_holds_of_who_gives_it_and_no_others()
    {
        _house.Add("m", maxParallel: 4);
        (string alices, _) = _house.Hold("j", tag: 1);
        (string bobs, _) = _house.Hold("j", tag: 2);
        Assert.Equal(0, _house.EndByFeedback(null, "j", "m", taken: true, tag: 3));
        Assert.Equal(0, _house.EndByFeedback(alices, "j", "m", taken: true, tag: 2));
        Assert.Equal(1, _house.EndByFeedback(null, "j", "m", taken: true, tag: 2));
        Assert.Equal((HoldFault.None, 0), Release(bobs));
        Assert.Equal(1, _house.Held("m"));
        Assert.Equal(1, _house.EndByFeedback(alices, "j", "m", taken: true, tag: 1));
    }

    [Fact]
    public void Miner_that_leaves_or_registers_anew_takes_its_holds_along()
    {
        _house.Add("a", maxParallel: 2);
        (string first, _) = _house.Hold();
        _house.Leave("a");
        Assert.Equal((HoldFault.Ended, ""), Renew(first));
        _house.Add("a", maxParallel: 2);
        (string second, _) = _house.Hold();
        _house.RegisterAnew("a", 1);
        Assert.Equal((HoldFault.None, 0), Release(second));
        Assert.Equal((0, 0, 2), (_house.Held("a"), _house.Book.Live, _house.Book.Ended(HoldEnd.Gone)));
        Assert.Equal(["a"], _house.Hold().Miners);
    }

    [Fact]
    public void Hold_outlives_a_change_of_the_profile_within_the_session()
    {
        _house.Add("a", maxParallel: 2);
        (string match, _) = _house.Hold();
        _house.Index.Replace(_house.Slot("a"), HoldHouse.Profile(2) with { Tags = ["new"] });
        Assert.Equal(1, _house.Held("a"));
        Assert.Equal(["a"], _house.Hold().Miners);
        Assert.Equal((HoldFault.None, 1), Release(match));
        Assert.Equal(1, _house.Held("a"));
    }

    [Theory]
    [InlineData(4, 0, "1 2 3 4")]
    [InlineData(5, 3, "1 2 3 4")]
    [InlineData(3, 0, "1 2 3")]
    [InlineData(2, 0, "1 2")]
    [InlineData(2, 1, "1 2")]
    [InlineData(3, 1, "1 2 3")]
    [InlineData(3, 4, "1 2 3")]
    [InlineData(1, 4, "1")]
    public void Profile_with_fewer_slots_ends_the_latest_holds_that_have_none(int slotsNow, int load, string left)
    {
        _house.Add("a", maxParallel: 4);
        string[] matches = [.. Enumerable.Range(1, 4).Select(i => _house.Hold($"j{i}").MatchId)];
        _house.Index.SetLoad(_house.Slot("a"), load);
        _house.Reshape("a", slotsBefore: 4, slotsNow, load);
        string[] held = left.Split(' ');
        Assert.Equal((held.Length, (long)(4 - held.Length)), (_house.Held("a"), _house.Book.Ended(HoldEnd.Shrunk)));
        Assert.Equal(held, Enumerable.Range(1, 4).Where(i => Renew(matches[i - 1]).Fault == HoldFault.None).Select(i => $"{i}"));
        // They are on the new profile, and last as long as the session does.
        _house.Reshape("a", slotsNow, slotsNow, load);
        Assert.Equal(held.Length, _house.Held("a"));
        _house.Book.EndStale("a", _house.Slot("a"));
        Assert.Equal(held.Length, _house.Held("a"));
        _house.RegisterAnew("a", 4);
        Assert.Equal(0, _house.Held("a"));
    }

    [Fact]
    public void Miner_that_moves_within_its_session_takes_its_holds_along()
    {
        _house.Add("a", maxParallel: 2);
        (string match, _) = _house.Hold();
        _house.Move("a", 2, "eu");
        Assert.Equal(1, _house.Held("a"));
        Assert.Equal(["a"], _house.Hold("k").Miners);
        Assert.Empty(_house.Hold("l").Miners);
        Assert.Equal((HoldFault.None, 1), Release(match));
        Assert.Equal(1, _house.Held("a"));
        Assert.Equal(["a"], _house.Look());
    }

    [Fact]
    public void Matches_that_are_over_are_forgotten_the_oldest_first()
    {
        _house.Add("m");
        (string first, _) = _house.Hold();
        (string live, _) = _house.Hold();
        Assert.Equal((HoldFault.None, 1), Release(first));
        (live, _) = _house.Hold(holdMs: 600_000);
        for (int i = 0; i < KnownMatches.Remembered; i++)
        {
            Assert.Empty(_house.Hold().Miners);
        }
        Assert.Equal((HoldFault.UnknownMatch, 0), Release(first));
        Assert.Equal((HoldFault.None, 1), Release(live));
    }

    private (HoldFault Fault, int Released) Release(string match, string? miner = null) =>
        (_house.Book.Release(match, miner, out int released), released);

    private (HoldFault Fault, string Renewed) Renew(string match, string? miner = null, int? holdMs = null) =>
        (_house.Book.Renew(match, miner, holdMs, out LiveHold[] renewed, out _), string.Join(", ", renewed.Select(r => $"{r.MinerId} {r.ExpiresInMs}")));
}

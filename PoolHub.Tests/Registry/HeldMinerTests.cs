using PoolHub.Daemon.Matching;
using PoolHub.Daemon.Registry;
using PoolHub.Protocol;
using PoolHub.Protocol.Http;

namespace PoolHub.Tests.Registry;

/// <summary>Holds belong to a miner's session: they end with it, and not before.</summary>
public sealed class HeldMinerTests
{
    private readonly RegistryHouse _house = new();

    [Fact]
    public async Task Holds_outlive_what_happens_within_a_session()
    {
        (Miner miner, long epoch) = await _house.JoinAsync();
        Hold();
        Assert.True(await _house.Registry.ChangeProfileAsync(miner, p => p with { Tags = ["new"] }));
        _house.Registry.Drop(miner, epoch);
        Assert.True(_house.Registry.Renew(miner, epoch));
        await _house.Registry.SetDrainingAsync(miner, true);
        Assert.Equal(1, _house.Registry.Held(miner));
        await _house.Registry.SetDrainingAsync(miner, false);
        Hold();
        Assert.Equal(2, _house.Registry.Held(miner));
    }

    /// <summary>As obedient miners do at <c>update_tags</c>; what is held of them must not be sold again.</summary>
    [Theory]
    [InlineData("eu-west-1", 4, 3)]
    [InlineData("us", 4, 3)]
    [InlineData("eu-west-1", 8, 3)]
    [InlineData("eu-west-1", 2, 2)]
    [InlineData("us", 1, 1)]
    public async Task Holds_outlive_another_registration_of_the_session_as_far_as_there_are_slots(string region, int slots, int left)
    {
        (Miner miner, long epoch) = await _house.JoinAsync();
        string[] matches = [Hold(), Hold(), Hold()];
        MinerProfile profile = RegistryHouse.Profile with { Region = region, MaxParallel = slots, Tags = ["new"] };
        Assert.True(await _house.Registry.RegisterAsync(miner, epoch, profile, claim: null));
        Assert.Equal((left, 3 - left), (_house.Registry.Held(miner), _house.Holds.Ended(HoldEnd.Shrunk)));
        Assert.Equal(slots - left, _house.Candidates().SingleOrDefault().Free);
        // The latest are given up first.
        for (int i = 0; i < matches.Length; i++)
        {
            Assert.Equal(i < left ? HoldFault.None : HoldFault.Ended, _house.Holds.Renew(matches[i], null, null, out _, out _));
        }
        // They go with the session, as all do.
        (_, epoch) = await _house.JoinAsync();
        Assert.Equal((0, left), (_house.Registry.Held(miner), _house.Holds.Ended(HoldEnd.Gone)));
    }

    [Fact]
    public async Task Slots_that_a_busy_miner_gives_up_are_the_free_ones_first_and_then_those_that_are_held()
    {
        (Miner miner, long epoch) = await _house.JoinAsync();
        Assert.True(_house.Registry.Report(miner, epoch, new MinerReport(1)));
        _ = Hold();
        _ = Hold();
        Assert.True(await _house.Registry.RegisterAsync(miner, epoch, RegistryHouse.Profile with { MaxParallel = 3 }, claim: null));
        Assert.Equal(2, _house.Registry.Held(miner));
        Assert.True(await _house.Registry.RegisterAsync(miner, epoch, RegistryHouse.Profile with { MaxParallel = 2 }, claim: null));
        Assert.Equal(1, _house.Registry.Held(miner));
        // What runs is not the hub's to give up.
        Assert.True(await _house.Registry.RegisterAsync(miner, epoch, RegistryHouse.Profile with { MaxParallel = 1 }, claim: null));
        Assert.Equal((0, 1), (_house.Registry.Held(miner), miner.Load));
    }

    [Fact]
    public async Task Holds_end_when_the_miner_registers_anew_leaves_or_falls_silent()
    {
        (Miner miner, _) = await _house.JoinAsync();
        Hold();
        (_, long epoch) = await _house.JoinAsync();
        Assert.Equal((0, 1), (_house.Registry.Held(miner), _house.Holds.Ended(HoldEnd.Gone)));
        Hold();
        await _house.Registry.LeaveAsync(miner, epoch);
        Assert.Equal((0, 2), (_house.Registry.Held(miner), _house.Holds.Ended(HoldEnd.Gone)));
        await _house.JoinAsync();
        Hold();
        Assert.Equal([miner], _house.Pass(120));
        Assert.Equal((0, 3), (_house.Holds.Live, _house.Holds.Ended(HoldEnd.Gone)));
    }

    [Fact]
    public async Task Sweep_ends_holds_that_expired()
    {
        (Miner miner, _) = await _house.JoinAsync();
        Hold(holdMs: 1_000);
        _house.Pass(1);
        Assert.Equal((0, 1), (_house.Registry.Held(miner), _house.Holds.Ended(HoldEnd.Expiry)));
    }

    private string Hold(int holdMs = 600_000)
    {
        string matchId = Guid.NewGuid().ToString("N");
        Assert.True(MatchQuery.TryCreate(new MatchRequest { JobId = matchId, HoldMs = holdMs }, WeightProfiles.BuiltIn, out MatchQuery? query, out _));
        var result = new MatchResult();
        _house.Holds.Match(matchId, tag: 1, query, result);
        Assert.Equal((1, holdMs), (result.Candidates.Length, result.HoldMs));
        return matchId;
    }
}

using PoolHub.Daemon.Matching;
using PoolHub.Daemon.Registry;
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
        _house.Registry.SetDraining(miner, true);
        Assert.Equal(1, _house.Registry.Held(miner));
        _house.Registry.SetDraining(miner, false);
        Hold();
        Assert.Equal(2, _house.Registry.Held(miner));
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

    private void Hold(int holdMs = 600_000)
    {
        Assert.True(MatchQuery.TryCreate(new MatchRequest { JobId = $"{Guid.NewGuid()}", HoldMs = holdMs }, WeightProfiles.BuiltIn, out MatchQuery? query, out _));
        var result = new MatchResult();
        _house.Holds.Match(Guid.NewGuid().ToString("N"), tag: 1, query, result);
        Assert.Equal((1, holdMs), (result.Candidates.Length, result.HoldMs));
    }
}

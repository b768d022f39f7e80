using PoolHub.Daemon.Registry;

namespace PoolHub.Tests.Registry;

public sealed class RegistryConcurrencyTests
{
    private const int Miners = 60;
    private const int Rounds = 3_000;

    private readonly RegistryHouse _house = new(new RegistryOptions(LeaseTtlSec: 4, GraceSec: 9, GuardSec: 0));

    private MinerRegistry Registry => _house.Registry;

    [Fact]
    public async Task Heartbeats_beside_sweeps_and_comings_and_goings_leave_everything_in_its_place()
    {
        Miner[] miners = await _house.JoinManyAsync(Miners);
        using var stop = new CancellationTokenSource();
        Task[] beats = [.. Enumerable.Range(1, 2).Select(seed => Task.Run(() => Beat(miners, seed, stop.Token), CancellationToken.None))];
        Task[] lives = [Task.Run(() => SweepAsync(), CancellationToken.None), Task.Run(() => ComeAndGoAsync(miners), CancellationToken.None)];
        try
        {
            await Task.WhenAll(lives);
        }
        finally
        {
            await stop.CancelAsync();
            await Task.WhenAll(beats);
        }
        // What a heartbeat did beside the last sweep is seen by this one.
        Registry.Sweep();
        AssertSettled(miners);
        _house.Pass(9);
        Assert.Equal(0, _house.Index.Count);
        AssertSettled(miners);
        foreach (Miner miner in miners)
        {
            await _house.JoinAsync(miner.Id);
        }
        Registry.Sweep();
        Assert.Equal((Miners, 0), (Registry.OnlineCount, Registry.DegradedCount));
        AssertSettled(miners);
    }

    private void Beat(Miner[] miners, int seed, CancellationToken stop)
    {
        var random = new Random(seed);
        while (!stop.IsCancellationRequested)
        {
            // Half of the fleet, so that leases and graces end as well.
            Miner miner = miners[random.Next(Miners / 2)];
            Registry.Report(miner, miner.Epoch - (random.Next(4) == 0 ? 1 : 0), new MinerReport(random.Next(4)));
            Registry.ObserveRtt(miner, TimeSpan.FromMilliseconds(random.Next(100)));
        }
    }

    private Task SweepAsync()
    {
        for (int i = 0; i < Rounds; i++)
        {
            _house.Time.Advance(TimeSpan.FromSeconds(1));
            Registry.Sweep();
            Registry.TakeDirty();
        }
        return Task.CompletedTask;
    }

    private async Task ComeAndGoAsync(Miner[] miners)
    {
        var random = new Random(9);
        for (int i = 0; i < Rounds; i++)
        {
            Miner miner = miners[random.Next(Miners)];
            switch (random.Next(4))
            {
                case 0:
                    await Registry.LeaveAsync(miner, miner.Epoch);
                    break;
                case 1:
                    Registry.Drop(miner, miner.Epoch);
                    break;
                case 2:
                    await Registry.SetDrainingAsync(miner, !miner.Draining);
                    break;
                default:
                    await _house.JoinAsync(miner.Id);
                    break;
            }
        }
        await Task.WhenAll(miners.Select(miner => Registry.SetDrainingAsync(miner, false)));
    }

    private void AssertSettled(Miner[] miners)
    {
        Assert.Equal(_house.Index.Count, Registry.OnlineCount + Registry.DegradedCount);
        Dictionary<string, bool> offered = _house.Offered();
        Assert.Equal(_house.Index.Count, offered.Count);
        foreach (Miner miner in miners)
        {
            Assert.Equal(miner.State != LeaseState.Offline, miner.Slot != Miner.NoSlot);
            Assert.Equal(miner.State != LeaseState.Offline, offered.TryGetValue(miner.Id, out bool degraded));
            Assert.Equal(miner.State == LeaseState.Degraded, degraded);
        }
        Assert.Distinct(miners.Where(m => m.Slot != Miner.NoSlot).Select(m => m.Slot));
    }
}

using PoolHub.Daemon.Registry;
using PoolHub.Daemon.Storage;

namespace PoolHub.Tests.Registry;

public sealed class LeaseTests
{
    private readonly RegistryHouse _house = new();

    private MinerRegistry Registry => _house.Registry;

    [Fact]
    public async Task Miner_is_degraded_at_the_end_of_its_lease_and_offline_at_the_end_of_its_grace()
    {
        (Miner miner, _) = await _house.JoinAsync();
        Assert.Empty(_house.Pass(59));
        Assert.Equal(LeaseState.Online, miner.State);
        Assert.Empty(_house.Pass(1));
        Assert.Equal(LeaseState.Degraded, miner.State);
        Assert.True(_house.Offered()["m"]);
        Assert.Empty(_house.Pass(59));
        Assert.Equal(LeaseState.Degraded, miner.State);
        Assert.Equal([miner], _house.Pass(1));
        Assert.Equal(LeaseState.Offline, miner.State);
        Assert.Empty(_house.Offered());
        Assert.Equal((0, 0, 1), (Registry.OnlineCount, Registry.DegradedCount, Registry.Known));
    }

    [Fact]
    public async Task Heartbeat_begins_the_lease_anew()
    {
        (Miner miner, _) = await _house.JoinAsync();
        _house.Pass(59);
        _house.Beat(miner);
        _house.Pass(59);
        Assert.Equal(LeaseState.Online, miner.State);
        _house.Pass(1);
        Assert.Equal(LeaseState.Degraded, miner.State);
        Assert.Equal((0, 1), (Registry.OnlineCount, Registry.DegradedCount));
    }

    [Theory]
    [InlineData(60)]
    [InlineData(120)]
    [InlineData(10_000)]
    public async Task Heartbeat_after_a_silence_revives_at_once(int silentSec)
    {
        (Miner miner, long epoch) = await _house.JoinAsync();
        _house.Pass(silentSec);
        Assert.NotEqual(LeaseState.Online, miner.State);
        Assert.True(Registry.Renew(miner, epoch));
        Assert.Equal(LeaseState.Online, miner.State);
        Assert.False(_house.Offered()["m"]);
        Assert.Empty(_house.Pass(59));
    }

    [Fact]
    public async Task Drop_degrades_at_once_and_the_grace_still_counts_from_the_last_heartbeat()
    {
        (Miner miner, long epoch) = await _house.JoinAsync();
        _house.Pass(10);
        Registry.Drop(miner, epoch);
        Assert.Equal(LeaseState.Degraded, miner.State);
        Assert.True(_house.Offered()["m"]);
        Assert.Empty(_house.Pass(109));
        Assert.Equal(LeaseState.Degraded, miner.State);
        Assert.Equal([miner], _house.Pass(1));
    }

    [Fact]
    public async Task Drop_of_a_session_that_was_replaced_changes_nothing()
    {
        (Miner miner, long epoch) = await _house.JoinAsync();
        await _house.JoinAsync();
        Registry.Drop(miner, epoch);
        _house.Pass(1);
        Assert.Equal(LeaseState.Online, miner.State);
    }

    [Fact]
    public async Task Resume_after_a_drop_revives_without_a_registration()
    {
        (Miner miner, long epoch) = await _house.JoinAsync();
        Registry.Drop(miner, epoch);
        _house.Pass(30);
        Assert.Equal(LeaseState.Degraded, miner.State);
        Assert.True(Registry.Renew(miner, epoch));
        _house.Pass(1);
        Assert.Equal(LeaseState.Online, miner.State);
        Assert.Single(_house.Store.Registrations);
    }

    [Fact]
    public async Task Goodbye_takes_offline_at_once_and_is_durable()
    {
        (Miner miner, long epoch) = await _house.JoinAsync();
        await Registry.LeaveAsync(miner, epoch);
        Assert.Equal(LeaseState.Offline, miner.State);
        Assert.Equal(0, _house.Index.Count);
        Assert.Equal(miner.Epoch, _house.Store.Epochs["m"]);
        Assert.True(miner.Epoch > epoch);
        Assert.Empty(_house.Pass(1));
    }

    [Fact]
    public async Task Goodbye_of_a_session_that_was_replaced_changes_nothing()
    {
        (Miner miner, long epoch) = await _house.JoinAsync();
        await _house.JoinAsync();
        await Registry.LeaveAsync(miner, epoch);
        Assert.Equal(LeaseState.Online, miner.State);
        Assert.Empty(_house.Store.Epochs);
    }

    [Fact]
    public async Task Heartbeat_after_the_goodbye_is_refused_and_revives_nobody()
    {
        (Miner miner, long epoch) = await _house.JoinAsync();
        await Registry.LeaveAsync(miner, epoch);
        long seen = miner.LastSeenMs;
        _house.Pass(1);
        Assert.False(Registry.Renew(miner, epoch));
        Assert.False(Registry.Report(miner, epoch, new MinerReport(3)));
        Registry.Drop(miner, epoch);
        Assert.Equal(LeaseState.Offline, miner.State);
        Assert.Equal((0, seen), (miner.QueueLen, miner.LastSeenMs));
        Assert.Empty(_house.Offered());
    }

    [Fact]
    public async Task Heartbeat_of_a_session_that_was_replaced_keeps_nobody_alive()
    {
        (Miner miner, long epoch) = await _house.JoinAsync();
        Registry.BeginSession("m");
        _house.Pass(59);
        Assert.False(Registry.Report(miner, epoch, new MinerReport(9)));
        _house.Pass(1);
        Assert.Equal(LeaseState.Degraded, miner.State);
        Assert.Equal(0, miner.QueueLen);
    }

    [Fact]
    public void Heartbeat_before_the_registration_counts_for_nothing()
    {
        (Miner miner, long epoch) = Registry.BeginSession("m");
        Assert.False(Registry.Report(miner, epoch, new MinerReport(3)));
        Assert.Equal(0, miner.QueueLen);
        Assert.Equal(LeaseState.Offline, miner.State);
        Assert.Empty(Registry.TakeDirty());
        Assert.Empty(Registry.After(null));
    }

    [Fact]
    public async Task Report_is_what_a_match_sees()
    {
        (Miner miner, long epoch) = await _house.JoinAsync();
        Registry.Report(miner, epoch, new MinerReport(2, Busy: true, CurrentJobs: 3, AvgLatencyMs: 400, TempC: 60, MemFreeGb: 7.5));
        Registry.ObserveRtt(miner, TimeSpan.FromMilliseconds(80));
        Registry.ObserveRtt(miner, TimeSpan.FromMilliseconds(160));
        Assert.Equal((3, 90), (_house.Candidates()[0].Load, _house.Candidates()[0].RttMs));
        Registry.Report(miner, epoch, new MinerReport(1));
        Assert.Equal((1, true, 1, 400, 60, 7.5), (miner.QueueLen, miner.Busy, miner.CurrentJobs, miner.AvgLatencyMs, miner.TempC, miner.MemFreeGb));
        Registry.Report(miner, epoch, new MinerReport(0));
        Assert.Equal((0, false, 0), (miner.QueueLen, miner.Busy, miner.CurrentJobs));
        Assert.Equal(0, _house.Candidates()[0].Load);
    }

    [Fact]
    public async Task Report_while_offline_is_there_when_the_miner_is_back()
    {
        (Miner miner, long epoch) = await _house.JoinAsync();
        Registry.ObserveRtt(miner, TimeSpan.FromMilliseconds(80));
        _house.Pass(120);
        Registry.ObserveService(miner, 300);
        Registry.Report(miner, epoch, new MinerReport(2));
        Assert.Equal((2, -1), (_house.Candidates()[0].Load, _house.Candidates()[0].RttMs));
        Assert.Equal(300, miner.ReportedServiceMs);
    }

    [Fact]
    public async Task Mean_round_trip_is_of_those_that_were_measured()
    {
        Miner[] miners = await _house.JoinManyAsync(3);
        _house.Pass(1);
        Assert.Null(Registry.MeanRttMs);
        Registry.ObserveRtt(miners[0], TimeSpan.FromMilliseconds(20));
        Registry.ObserveRtt(miners[1], TimeSpan.FromMilliseconds(40));
        _house.Pass(1);
        Assert.Equal(30, Registry.MeanRttMs);
    }

    [Fact]
    public async Task Status_is_taken_once_for_each_change()
    {
        (Miner miner, long epoch) = await _house.JoinAsync();
        Registry.TakeDirty();
        _house.Pass(3);
        Assert.Empty(Registry.TakeDirty());
        Registry.Report(miner, epoch, new MinerReport(2, Busy: true, TempC: -5));
        Assert.Equal([new StoredStatus("m", 2, true, null, -5, null, _house.Now)], Registry.TakeDirty());
        Assert.Empty(Registry.TakeDirty());
    }

    [Fact]
    public async Task Report_of_a_miner_at_work_allocates_nothing()
    {
        var house = new RegistryHouse(time: TimeProvider.System);
        (Miner miner, long epoch) = await house.JoinAsync();
        var report = new MinerReport(2, Busy: true, CurrentJobs: 1, AvgLatencyMs: 100, TempC: 50, MemFreeGb: 3);
        long before = 0;
        for (int i = 0; i < 20_000; i++)
        {
            if (i == 10_000)
            {
                before = GC.GetAllocatedBytesForCurrentThread();
            }
            house.Registry.Report(miner, epoch, report);
            house.Registry.Renew(miner, epoch);
            house.Registry.ObserveRtt(miner, TimeSpan.FromMilliseconds(20));
        }
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void Next_heartbeat_is_a_quarter_of_the_lease_and_later_when_the_hub_is_busy()
    {
        var pace = new HeartbeatPace(new RegistryOptions());
        Assert.All(Enumerable.Range(0, 1_000), _ => Assert.InRange(pace.NextSec(), 13, 17));
        for (int i = 0; i < 100; i++)
        {
            pace.Observe(TimeSpan.FromSeconds(5));
        }
        Assert.All(Enumerable.Range(0, 1_000), _ => Assert.InRange(pace.NextSec(), 26, 30));
        Assert.Equal(1, new HeartbeatPace(new RegistryOptions(LeaseTtlSec: 2)).NextSec());
    }
}

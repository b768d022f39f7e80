using PoolHub.Daemon.Registry;
using PoolHub.Protocol;
using PoolHub.Protocol.Wire;
using PoolHub.Tests.EndToEnd;
using PoolHub.Tests.Registry;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Sessions;

/// <summary>A hub that did not run has heard nobody; that is no silence of theirs.</summary>
public sealed class StandstillTests
{
    private static readonly TimeSpan s_pause = TimeSpan.FromMinutes(10);

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    public async Task Hub_that_stood_still_reads_before_it_believes_a_silence(int fleet)
    {
        await using HubParts hub = await StartAsync();
        PipeMiner[] miners = await EnrolAsync(hub, fleet);
        await TickAsync(hub, 58);
        // The lease of each has two seconds left.
        hub.Time.Advance(s_pause);
        _ = await SeenAsync(hub, "stood still for 599.0 s");
        hub.Time.Advance(TimeSpan.FromSeconds(0.5));
        AssertAll(hub, fleet, LeaseState.Online);
        foreach (PipeMiner miner in miners)
        {
            miner.Send(TcpMiner.HeartbeatOf(1));
        }
        await TickAsync(hub, 58);
        AssertAll(hub, fleet, LeaseState.Online);
        Assert.All(miners, miner => Assert.False(miner.Served.IsCompleted));
    }

    [Fact]
    public async Task Miner_that_is_really_silent_has_what_was_left_of_its_grace()
    {
        await using HubParts hub = await StartAsync();
        PipeMiner[] miners = await EnrolAsync(hub, 2);
        await TickAsync(hub, 58);
        hub.Time.Advance(s_pause);
        _ = await SeenAsync(hub, "stood still for 599.0 s");
        miners[0].Send(TcpMiner.HeartbeatOf(1));
        await TickAsync(hub, 57);
        Assert.Equal((LeaseState.Online, LeaseState.Degraded), (hub.Registry.Find("m0")!.State, hub.Registry.Find("m1")!.State));
        await TickAsync(hub, 5);
        Assert.Equal(LeaseState.Offline, hub.Registry.Find("m1")!.State);
        await miners[1].ExpectGoodbyeAsync(CloseReason.LeaseExpired);
        Assert.NotEqual(LeaseState.Offline, hub.Registry.Find("m0")!.State);
    }

    [Fact]
    public async Task Hello_that_waited_while_the_hub_stood_still_is_in_time()
    {
        await using HubParts hub = await StartAsync();
        _ = await EnrolAsync(hub, 1);
        await TickAsync(hub, 1);
        PipeMiner late = hub.Connect();
        hub.Time.Advance(s_pause);
        _ = await SeenAsync(hub, "stood still");
        await late.EnrolAsync("late");
        await TickAsync(hub, 5);
        Assert.Equal(LeaseState.Online, hub.Registry.Find("late")!.State);
    }

    [Fact]
    public async Task Miner_that_speaks_while_the_store_is_slow_is_not_silent_and_for_a_lease_at_most()
    {
        var store = new MemoryStore();
        await using var hub = new HubParts(store: store);
        PipeMiner miner = await hub.EnrolAsync("m");
        TaskCompletionSource held = store.Hold();
        miner.Send(new Register(Support.Samples.Profile));
        for (int i = 1; i <= 59; i++)
        {
            // It waits in the socket until the hub is done with the registration.
            await miner.SendRawAsync(TcpMiner.FrameOf(TcpMiner.HeartbeatOf(i)));
            Sweep(hub);
        }
        Assert.Equal(LeaseState.Online, hub.Registry.Find("m")!.State);
        for (int i = 0; i < 59; i++)
        {
            Sweep(hub);
        }
        Assert.Equal(LeaseState.Online, hub.Registry.Find("m")!.State);
        for (int i = 0; i < 59; i++)
        {
            Sweep(hub);
        }
        Assert.Equal(LeaseState.Degraded, hub.Registry.Find("m")!.State);
        held.SetResult();
        _ = await miner.ExpectAsync<Registered>();
        Sweep(hub);
        Assert.Equal(LeaseState.Online, hub.Registry.Find("m")!.State);
    }

    [Fact]
    public void Heartbeat_that_comes_meanwhile_is_not_moved_back()
    {
        var leases = new LeaseColumn();
        leases.Put(0, new Miner("m"), heardAt: 100);
        leases.Forgive(0, ticks: 50, now: 1_000);
        Assert.Equal(150, leases.HeardAt(0));
        leases.Forgive(0, ticks: 5_000, now: 1_000);
        Assert.Equal(1_000, leases.HeardAt(0));
        leases.Renew(0, 1_010);
        leases.Forgive(0, ticks: 50, now: 1_000);
        Assert.Equal(1_010, leases.HeardAt(0));
    }

    private static void Sweep(HubParts hub)
    {
        hub.Time.Advance(TimeSpan.FromSeconds(1));
        hub.Sweep.Sweep();
    }

    private static async Task<HubParts> StartAsync()
    {
        var hub = new HubParts();
        hub.Time.Ticking = TimeSpan.FromSeconds(1);
        await hub.Sweep.StartAsync(TestContext.Current.CancellationToken);
        _ = await Eventually.SeeAsync(
            () =>
            {
                hub.Time.Advance(TimeSpan.FromSeconds(1));
                return Task.FromResult(hub.SweptAt);
            },
            at => at != 0);
        return hub;
    }

    private static async Task<PipeMiner[]> EnrolAsync(HubParts hub, int count)
    {
        var miners = new PipeMiner[count];
        for (int i = 0; i < count; i++)
        {
            miners[i] = await hub.EnrolAsync($"m{i}");
        }
        return miners;
    }

    /// <summary>Lets seconds pass, one after the other, each with its sweep.</summary>
    private static async Task TickAsync(HubParts hub, int seconds)
    {
        for (int i = 0; i < seconds; i++)
        {
            await TickAsync(hub);
        }
    }

    private static async Task TickAsync(HubParts hub)
    {
        hub.Time.Advance(TimeSpan.FromSeconds(1));
        _ = await Eventually.SeeAsync(() => Task.FromResult(hub.SweptAt), at => at == hub.Time.GetTimestamp());
    }

    private static Task<int> SeenAsync(HubParts hub, string text) => Eventually.SeeAsync(() => Task.FromResult(hub.Logs.Count(text)), count => count > 0);

    private static void AssertAll(HubParts hub, int fleet, LeaseState state) =>
        Assert.All(Enumerable.Range(0, fleet), i => Assert.Equal(state, hub.Registry.Find($"m{i}")!.State));
}

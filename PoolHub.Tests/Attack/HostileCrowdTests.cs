using System.Diagnostics;
using System.Net;
using PoolHub.Protocol.Http;
using PoolHub.Tests.EndToEnd;

namespace PoolHub.Tests.Attack;

/// <summary>docs/security.md: a crowd at both doors keeps no honest miner and no coordinator from the hub.</summary>
[Collection<Alone>]
public sealed class HostileCrowdTests
{
    private const int MatchesPerSec = 500;

    private static int Miners => Effort.Of(100, 1_000);

    /// <summary>Of the quiet hub, and of the crowd, each.</summary>
    private static TimeSpan Phase => TimeSpan.FromSeconds(Effort.Of(4, 60));

    /// <summary>
    /// From few addresses those who reconnect are soon shut out, but where another of the crowd has logged in from the same
    /// one with a key of its own: they come and go all the time. Most of the others are inside at any time, until their
    /// deadline or until another needs their place.
    /// </summary>
    /// <param name="addresses">Of the whole crowd.</param>
    /// <param name="leastInside">So many of the whole crowd must be inside, as a mean.</param>
    /// <param name="mostTimes">The 99th percentile of matches, in times that of the quiet hub.</param>
    [Theory]
    [InlineData(500, 500, 3)]
    [InlineData(8_600, 3_000, 10)]
    public async Task Crowd_takes_no_lease_no_match_and_no_memory(int addresses, int leastInside, double mostTimes)
    {
        await using HubProcess hub = await HubProcess.StartAsync(("SESSION_TTL_SEC", "8"), ("HEARTBEAT_GRACE_SEC", "60"));
        IPEndPoint http = new(IPAddress.Loopback, hub.HttpPort), tcp = new(IPAddress.Loopback, hub.TcpPort);
        using var fleet = new LightFleet(tcp, Miners, beatEverySec: 2);
        _ = await fleet.AllOnlineAsync();
        var coordinator = new MatchPace(http, MatchesPerSec);
        _ = await coordinator.RunAsync(TimeSpan.FromSeconds(1));

        (Latencies before, int lost) = await AskAsync(hub, coordinator);
        double beforeMb = hub.Process.ResidentMb();
        int descriptorsBefore = hub.Process.Descriptors();
        Latencies crowded;
        double crowdedMb;
        int lostInCrowd;
        double inside;
        double share = Effort.Of(0.1, 1.0);
        await using (CrowdProcess crowd = await CrowdProcess.StartAsync(http, tcp, share, (int)(addresses * share)))
        {
            // The hub is measured with the crowd there, not with it on its way.
            await Task.Delay(TimeSpan.FromSeconds(Effort.Of(1, 5)), TestContext.Current.CancellationToken);
            List<int> descriptors = [];
            (crowded, lostInCrowd) = await AskAsync(hub, coordinator, descriptors);
            crowdedMb = hub.Process.ResidentMb();
            inside = descriptors.Average() - descriptorsBefore;
            Effort.Print($"from {addresses * share:N0} addresses {await crowd.EndAsync()}; {inside:N0} were inside");
        }
        (double afterMb, double settledSec) = await SettleAsync(hub, beforeMb * 1.2);
        // Quiet before and quiet after: two minutes say more of the hundredth match than one.
        (Latencies after, int lostAfter) = await AskAsync(hub, coordinator);
        lost += lostInCrowd + lostAfter;
        Latencies quiet = before.With(after);
        Effort.Print($"quiet before: {before}\nquiet after:  {after}\nquiet:   {quiet}\ncrowded: {crowded}, {crowded.P99 / quiet.P99:0.0} times the quiet p99");
        Effort.Print($"memory: {beforeMb:0.0} MB before, {crowdedMb:0.0} MB with the crowd, {afterMb:0.0} MB {settledSec:0} s after; descriptors: {descriptorsBefore} before, {hub.Process.Descriptors()} after");
        Effort.Print($"honest miners: {fleet.OnlineCount} of {Miners} online, {fleet.Miners.Sum(m => m.Drops)} drops, {lost} leases lost");

        Assert.InRange(inside, leastInside * share, double.MaxValue);
        Assert.Equal(0, lost);
        Assert.All(fleet.Miners, miner => Assert.Equal(0, miner.Drops));
        Assert.Equal(Miners, await CountAsync(hub, "online"));
        Assert.InRange(crowded.Sorted.Length, MatchesPerSec * Phase.TotalSeconds * 0.95, double.MaxValue);
        Assert.True(crowded.P99 <= mostTimes * quiet.P99 || (!Effort.IsFull && crowded.P99 < 50), $"99th percentile {crowded.P99:0.00} ms in the crowd, {quiet.P99:0.00} ms without");
        Assert.True(afterMb <= beforeMb * 1.2, $"{afterMb:0.0} MB after the crowd, {beforeMb:0.0} MB before");
    }

    /// <summary>Matches for one phase, and how many honest miners had lost their lease at the worst moment of it.</summary>
    /// <param name="hub">The hub.</param>
    /// <param name="coordinator">Who asks.</param>
    /// <param name="descriptors">Takes up once a second how many the hub has.</param>
    private static async Task<(Latencies Latencies, int Lost)> AskAsync(HubProcess hub, MatchPace coordinator, List<int>? descriptors = null)
    {
        int lost = 0;
        Task<Latencies> asking = coordinator.RunAsync(Phase);
        while (!asking.IsCompleted)
        {
            await Task.WhenAny(asking, Task.Delay(1_000, TestContext.Current.CancellationToken));
            descriptors?.Add(hub.Process.Descriptors());
            lost = Math.Max(lost, await CountAsync(hub, "degraded") + await CountAsync(hub, "offline"));
        }
        return (await asking, lost);
    }

    /// <summary>Honest miners in a state.</summary>
    private static async Task<int> CountAsync(HubProcess hub, string state)
    {
        int count = 0;
        string? cursor = null;
        do
        {
            MinerPage page = await hub.Admin.ListMinersAsync(500, cursor, state, "eu", TestContext.Current.CancellationToken);
            count += page.Miners.Length;
            cursor = page.NextCursor;
        }
        while (cursor is not null);
        return count;
    }

    /// <summary>Waits until the hub takes no more than this, for a while at most.</summary>
    private static async Task<(double Mb, double Sec)> SettleAsync(HubProcess hub, double wantedMb)
    {
        var waited = Stopwatch.StartNew();
        while (hub.Process.ResidentMb() > wantedMb && waited.Elapsed.TotalSeconds < Effort.Of(20, 180))
        {
            await Task.Delay(200, TestContext.Current.CancellationToken);
        }
        return (hub.Process.ResidentMb(), waited.Elapsed.TotalSeconds);
    }
}

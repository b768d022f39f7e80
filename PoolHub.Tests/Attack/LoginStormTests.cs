using System.Diagnostics;
using System.Net;
using PoolHub.Tests.EndToEnd;

namespace PoolHub.Tests.Attack;

/// <summary>docs/security.md: a whole fleet that returns at once is let in, and matches are answered meanwhile.</summary>
[Collection<Alone>]
public sealed class LoginStormTests
{
    private const int LimitSec = 20;
    private const int MatchesPerSec = 100;
    private const int MaxGapMs = 1_000;

    /// <summary>Every tenth has lost its token, and registers anew.</summary>
    private const int Forgetful = 10;

    private static int Miners => Effort.Of(1_500, 15_000);

    [Fact]
    public async Task Fleet_that_returns_at_once_after_a_restart_is_online_within_20_s()
    {
        await using HubProcess hub = await HubProcess.StartAsync(("FLAP_LIMIT_PER_MIN", "0"));
        using var fleet = new LightFleet(new IPEndPoint(IPAddress.Loopback, hub.TcpPort), Miners, beatEverySec: 15, Forgetful);
        TimeSpan firstSec = await fleet.AllOnlineAsync();

        // Without a goodbye, which would have told them to return one after the other.
        await hub.KillAsync();
        await hub.RestartAsync();
        fleet.MoveTo(new IPEndPoint(IPAddress.Loopback, hub.TcpPort));
        var waited = Stopwatch.StartNew();
        bool storm = true;
        Task<Latencies> asking = new MatchPace(new IPEndPoint(IPAddress.Loopback, hub.HttpPort), MatchesPerSec)
            .RunAsync(TimeSpan.FromSeconds(120), () => Volatile.Read(ref storm));
        _ = await fleet.AllOnlineAsync();
        double sec = waited.Elapsed.TotalSeconds;
        Volatile.Write(ref storm, false);
        Latencies latencies = await asking;
        Effort.Print($"{Miners:N0} miners enrolled in {firstSec.TotalSeconds:0.0} s; after a restart all were online again in {sec:0.0} s, every {Forgetful}th with a new registration");
        Effort.Print($"meanwhile: {latencies}, and never more than {latencies.LongestGapMs:0} ms without an answer");
        Assert.True(sec <= LimitSec, $"all are online after {sec:0.0} s");
        Assert.True(latencies.LongestGapMs <= MaxGapMs, $"nobody was answered for {latencies.LongestGapMs:0} ms");
        Assert.True(latencies.Sorted.Length >= sec * MatchesPerSec / 2, $"{latencies.Sorted.Length} matches in {sec:0.0} s");
        // Counted by the next sweep.
        _ = await Eventually.SeeAsync(hub.HealthAsync, health => health.OnlineMiners == Miners);
    }
}

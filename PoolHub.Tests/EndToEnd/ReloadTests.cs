using System.Net;
using PoolHub.Protocol.Client;
using PoolHub.Protocol.Http;

namespace PoolHub.Tests.EndToEnd;

/// <summary>SIGHUP.</summary>
public sealed class ReloadTests
{
    private const string NewSecret = "another-coordinator-secret";

    [Fact]
    public async Task Reload_takes_weights_and_secrets_over_and_drops_nobody()
    {
        await using HubProcess hub = await HubProcess.StartAsync();
        await using LiveMiner tcp = await LiveMiner.JoinAsync(hub, "tcp", "rig-tcp");
        await using LiveMiner ws = await LiveMiner.JoinAsync(hub, "ws", "rig-ws");
        Assert.Equal("0.4 0.2 0.2 0.15 0.05", await WeightsAsync(hub, HubProcess.Secret));

        hub.Set(("DEFAULT_WEIGHTS", "price:3,trust:1"), ("COORDINATOR_SHARED_SECRET", NewSecret));
        _ = await hub.ReloadAsync("settings reloaded");
        Assert.Equal("0 0.75 0 0.25 0", await WeightsAsync(hub, NewSecret));
        HubException refused = await Assert.ThrowsAsync<HubException>(() => WeightsAsync(hub, HubProcess.Secret));
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);

        // Old and new together, as a rotation has it.
        hub.Set(("COORDINATOR_SHARED_SECRET", $"{NewSecret},{HubProcess.Secret}"));
        _ = await hub.ReloadAsync("settings reloaded");
        Assert.Equal(await WeightsAsync(hub, NewSecret), await WeightsAsync(hub, HubProcess.Secret));

        await tcp.Client.ReportAsync(new MinerStatus(QueueLen: 2));
        await ws.Client.ReportAsync(new MinerStatus(QueueLen: 3));
        Assert.Equal(2, (await Eventually.SeeAsync(() => hub.MinerAsync("rig-tcp"), m => m.QueueLen > 0)).QueueLen);
        Assert.Equal(3, (await Eventually.SeeAsync(() => hub.MinerAsync("rig-ws"), m => m.QueueLen > 0)).QueueLen);
        Assert.Equal((1L, 1L), (tcp.Client.Connections, ws.Client.Connections));
    }

    [Fact]
    public async Task Reload_of_a_bad_file_keeps_the_old_settings_and_says_what_is_wrong()
    {
        await using HubProcess hub = await HubProcess.StartAsync(("DEFAULT_WEIGHTS", "price:1"));
        await using LiveMiner miner = await LiveMiner.JoinAsync(hub, "tcp", "rig-tcp");
        hub.ExpectError("the settings were not reloaded");
        hub.Set(("DEFAULT_WEIGHTS", "price:heavy"), ("COORDINATOR_SHARED_SECRET", NewSecret));
        string why = await hub.ReloadAsync("the settings were not reloaded");
        Assert.Contains("DEFAULT_WEIGHTS", why, StringComparison.Ordinal);
        Assert.Equal("0 1 0 0 0", await WeightsAsync(hub, HubProcess.Secret));
        _ = await Assert.ThrowsAsync<HubException>(() => WeightsAsync(hub, NewSecret));

        hub.Set(("DEFAULT_WEIGHTS", "trust:1"));
        _ = await hub.ReloadAsync("settings reloaded");
        Assert.Equal("0 0 0 1 0", await WeightsAsync(hub, NewSecret));
        Assert.Equal(1, miner.Client.Connections);
    }

    [Fact]
    public async Task Reload_that_cannot_keep_a_secret_of_its_own_changes_nothing_and_goes_on()
    {
        await using HubProcess hub = await HubProcess.StartAsync(("DEFAULT_WEIGHTS", "price:1"));
        await using LiveMiner miner = await LiveMiner.JoinAsync(hub, "tcp", "rig-tcp");
        hub.ExpectError("the settings were not reloaded");
        Directory.CreateDirectory(Path.Combine(hub.StateDir, "coordinator-secret"));
        hub.Set(("DEFAULT_WEIGHTS", "trust:1"), ("COORDINATOR_SHARED_SECRET", ""));
        string why = await hub.ReloadAsync("the settings were not reloaded");
        Assert.Contains("coordinator-secret", why, StringComparison.Ordinal);
        Assert.Equal("0 1 0 0 0", await WeightsAsync(hub, HubProcess.Secret));
        Assert.Equal(1, miner.Client.Connections);
    }

    [Fact]
    public async Task Reload_says_which_changes_wait_for_a_restart()
    {
        await using HubProcess hub = await HubProcess.StartAsync();
        hub.Set(("SESSION_TTL_SEC", "30"), ("DEBUG_STUCK_SWEEP_SEC", "86400"), ("LOG_LEVEL", "debug"));
        string said = await hub.ReloadAsync("counts from the next start");
        Assert.StartsWith("warn:", said, StringComparison.Ordinal);
        Assert.Contains("SESSION_TTL_SEC", said, StringComparison.Ordinal);
        _ = await hub.Process.LineAsync("DEBUG_STUCK_SWEEP_SEC");
        await using LiveMiner miner = await LiveMiner.JoinAsync(hub, "tcp", "rig-tcp");
        _ = await hub.Process.LineAsync("rig-tcp began session ");
    }

    /// <summary>In the order of the terms: cap, price, latency, trust, load.</summary>
    private static async Task<string> WeightsAsync(HubProcess hub, string secret)
    {
        MatchResponse match = await new CoordinatorClient(hub.Http, secret).MatchAsync(new MatchRequest { JobId = "j", Explain = "full" });
        return string.Join(' ', match.Candidates[0].Breakdown!.Select(t => Math.Round(t.Weight, 6)));
    }
}

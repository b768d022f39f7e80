using System.Text.Json;
using PoolHub.Protocol;
using PoolHub.Protocol.Client;
using PoolHub.Protocol.Http;

namespace PoolHub.Tests.EndToEnd;

/// <summary>The tool <c>poolhub</c> against the real hub.</summary>
public sealed class CliTests
{
    [Fact]
    public async Task Simulated_miners_come_online_are_listed_matched_and_judged_and_leave()
    {
        await using HubProcess hub = await HubProcess.StartAsync();
        await using var simulation = ChildProcess.Start(
            Programs.Cli, ["simulate", "--miners", "20", "--transport", "mix", "--seed", "7"], Environment(hub));
        _ = await Eventually.SeeAsync(() => hub.HealthAsync(), h => h.OnlineMiners == 20);

        FinishedProgram health = await RunAsync(hub, "health");
        Assert.StartsWith("ok: 20 miners online, 0 degraded", health.Output, StringComparison.Ordinal);
        FinishedProgram list = await RunAsync(hub, "miners");
        Assert.Equal("20 miners", list.OutputLines[^1]);
        MinerPage page = Read<MinerPage>(await RunAsync(hub, "miners", "--json"));
        Assert.Equal(["http", "tcp", "ws"], page.Miners.Select(m => m.Transport!).Distinct().Order(StringComparer.Ordinal));

        MatchResponse match = Read<MatchResponse>(await RunAsync(hub, "match", "--min-vram", "8", "--top-k", "5", "--explain", "--json"));
        Assert.NotEmpty(match.Candidates);
        Assert.All(match.Candidates, c => Assert.True(page.Miners.Single(m => m.MinerId == c.MinerId).GpuVramGb >= 8));
        Assert.All(match.Candidates, c => Assert.Equal(5, c.Breakdown!.Length));
        string best = match.Candidates[0].MinerId;
        FinishedProgram table = await RunAsync(hub, "match", "--min-vram", "8");
        Assert.Contains(table.OutputLines, l => l.Contains("sim-", StringComparison.Ordinal));
        FinishedProgram nobody = await RunAsync(hub, 3, "match", "--region", "mars", "--json");
        Assert.Empty(Read<MatchResponse>(nobody).Candidates);

        FinishedProgram why = await RunAsync(hub, 3, "match", "--region", "mars", "--why");
        Assert.Contains(why.OutputLines, l => l.Contains("region mars → any: 20", StringComparison.Ordinal));
        ExplainResponse explained = Read<ExplainResponse>(await RunAsync(hub, 3, "match", "--region", "mars", "--why", "--json"));
        Assert.Equal(20, Assert.Single(explained.Relaxations).Found);
        WhyNotResponse elsewhere = Read<WhyNotResponse>(await RunAsync(hub, "why-not", best, "--region", "mars", "--json"));
        Assert.Equal("region", Assert.Single(elsewhere.Failed).Clause);
        FinishedProgram first = await RunAsync(hub, "why-not", best, "--match-id", match.MatchId);
        Assert.Contains(first.OutputLines, l => l.Contains($"{best}: place 1 of ", StringComparison.Ordinal));
        _ = await RunAsync(hub, 3, "why-not", "nobody");
        _ = await RunAsync(hub, 3, "why-not", best, "--match-id", "0");

        string[] judge = ["feedback", "--job-id", match.JobId, "--miner-id", best, "--outcome", "completed"];
        Assert.Equal($"recorded: trust of {best} is 0.545", (await RunAsync(hub, judge)).Output);
        Assert.Equal($"duplicate: trust of {best} is 0.545", (await RunAsync(hub, judge)).Output);
        Assert.Contains("0.545", (await RunAsync(hub, "miners", best)).Output, StringComparison.Ordinal);

        simulation.Send(Signal.Interrupt);
        Assert.Equal(0, await simulation.ExitAsync());
        Assert.StartsWith("20 miners said goodbye; 20 had registered", simulation.Output[^1], StringComparison.Ordinal);
        _ = await Eventually.SeeAsync(() => hub.HealthAsync(), h => (h.OnlineMiners, h.DegradedMiners) == (0, 0));
    }

    [Fact]
    public async Task Key_is_issued_rotated_and_revoked_and_with_it_the_session_ends()
    {
        await using HubProcess hub = await HubProcess.StartAsync(("ENROLLMENT", "closed"));
        string first = (await RunAsync(hub, "key", "issue", "rig-1")).Output;
        FinishedProgram again = await RunAsync(hub, 1, "key", "issue", "rig-1");
        Assert.StartsWith("poolhub: ", again.Errors, StringComparison.Ordinal);
        await using LiveMiner miner = await LiveMiner.JoinAsync(hub, "tcp", "rig-1", key: first);

        string second = (await RunAsync(hub, "key", "rotate", "rig-1", "--grace-sec", "0")).Output;
        Assert.NotEqual(first, second);
        MinerRefusedException stale = await Assert.ThrowsAsync<MinerRefusedException>(() => LiveMiner.JoinAsync(hub, "ws", "rig-1", key: first));
        Assert.Equal(CloseReason.BadCredentials, stale.Reason);
        Assert.Equal(MinerClientState.Online, miner.Client.State);

        Assert.Equal("rig-1: 1 key revoked", (await RunAsync(hub, "key", "revoke", "rig-1")).Output);
        MinerRefusedException revoked = await Assert.ThrowsAsync<MinerRefusedException>(miner.EndAsync);
        Assert.Equal(CloseReason.KeyRevoked, revoked.Reason);
        Assert.Equal("offline", (await hub.MinerAsync("rig-1")).State);
        _ = await Assert.ThrowsAsync<MinerRefusedException>(() => LiveMiner.JoinAsync(hub, "tcp", "rig-1", key: second));

        KeyView key = Assert.Single(JsonSerializer.Deserialize((await RunAsync(hub, "key", "list", "--json")).Output, HubJson.Default.KeyPage)!.Keys);
        Assert.Equal(("rig-1", false), (key.MinerId, key.Valid));
        Assert.True(key.IssuedAt <= key.RotatedAt && key.RotatedAt <= key.RevokedAt && key.LastUsedAt <= key.RevokedAt, $"{key}");
        AuditPage log = JsonSerializer.Deserialize((await RunAsync(hub, "key", "log", "rig-1", "--json")).Output, HubJson.Default.AuditPage)!;
        Assert.Equal(["key_revoke", "key_rotate", "key_issue"], log.Entries.Select(e => e.Action));
        Assert.All(log.Entries, e => Assert.Equal(("default", "127.0.0.1"), (e.Who, e.Address)));
        Assert.Contains("key_rotate", (await RunAsync(hub, "key", "log")).Output, StringComparison.Ordinal);
        Assert.Contains("rig-1", (await RunAsync(hub, "key", "list")).Output, StringComparison.Ordinal);
        _ = await RunAsync(hub, 3, "key", "log", "nobody");

        string third = (await RunAsync(hub, "key", "issue", "rig-1")).Output;
        await using LiveMiner back = await LiveMiner.JoinAsync(hub, "tcp", "rig-1", key: third);
        Assert.Equal("online", (await hub.MinerAsync("rig-1")).State);
    }

    [Theory]
    [InlineData("tcp")]
    [InlineData("ws")]
    public async Task Command_reaches_the_miner_and_the_next_match_knows(string transport)
    {
        await using HubProcess hub = await HubProcess.StartAsync();
        await using LiveMiner miner = await LiveMiner.JoinAsync(hub, transport, "rig-1", Samples.Profile(price: 0.6m));

        Assert.Equal("accepted: rig-1 drain", (await RunAsync(hub, "command", "rig-1", "drain")).Output);
        Assert.True(miner.Client.Draining);
        MatchResponse none = await hub.MatchAsync();
        Assert.Equal("nobody left after available (1 → 0)", none.Explain);
        _ = await RunAsync(hub, "command", "rig-1", "drain", "--off");
        _ = Assert.Single((await hub.MatchAsync()).Candidates);

        Assert.Equal("accepted: rig-1 set_price_cap", (await RunAsync(hub, "command", "rig-1", "set-price-cap", "0.25")).Output);
        _ = await Eventually.SeeAsync(async () => (await hub.MatchAsync()).Candidates[0].Price.Tokens, price => price == 0.25m);
        _ = await RunAsync(hub, "command", "rig-1", "update-tags", "gold");
        _ = await Eventually.SeeAsync(
            async () => (await hub.MatchAsync(requirements: new MatchRequirements { TagsAny = ["gold"] })).Candidates.Length, found => found == 1);
        Assert.Equal(1, miner.Client.Connections);
    }

    [Fact]
    public async Task Tool_says_what_is_wrong_on_stderr_and_by_its_status()
    {
        await using HubProcess hub = await HubProcess.StartAsync();
        Refused(await RunAsync(hub, 1, "match", "--secret", "wrong"), "--secret-file");
        Refused(await RunAsync(hub, 1, "miners", "--token", "wrong"), "--token-file");
        // The coordinator's secret is not the admin's.
        Refused(await RunAsync(hub, 1, "miners", "--token", HubProcess.Secret), "this call is for admins");
        Refused(await RunAsync(hub, 3, "miners", "rig-x"), "rig-x");
        Refused(await RunAsync(hub, 1, "command", "rig-x", "drain"), "no such miner");
        Refused(await RunAsync(hub, 2, "match", "--frobnicate"), "--frobnicate");
        Assert.Equal(0, await hub.StopAsync());
        Refused(await RunAsync(hub, 1, "health"), $"127.0.0.1:{hub.HttpPort}");
        Refused(await RunAsync(hub, 1, "simulate", "--miners", "2"), "Is poolhubd running");
    }

    private static void Refused(FinishedProgram run, string why)
    {
        Assert.Empty(run.Output);
        string line = Assert.Single(run.ErrorLines);
        Assert.StartsWith("poolhub: ", line, StringComparison.Ordinal);
        Assert.Contains(why, line, StringComparison.Ordinal);
    }

    private static Task<FinishedProgram> RunAsync(HubProcess hub, params string[] arguments) => RunAsync(hub, 0, arguments);

    private static async Task<FinishedProgram> RunAsync(HubProcess hub, int status, params string[] arguments)
    {
        FinishedProgram run = await Programs.RunAsync(Programs.Cli, arguments, [.. Environment(hub)]);
        Assert.True(run.Status == status, $"poolhub {string.Join(' ', arguments)}: {run}");
        return run;
    }

    private static IEnumerable<(string Name, string Value)> Environment(HubProcess hub) =>
    [
        ("POOLHUB_URL", hub.HttpAddress.ToString()),
        ("POOLHUB_MINER_URL", hub.MinerAddress("tcp").ToString()),
        ("COORDINATOR_SHARED_SECRET", HubProcess.Secret),
        ("ADMIN_TOKEN", HubProcess.Token),
    ];

    private static T Read<T>(FinishedProgram run) => (T)JsonSerializer.Deserialize(run.Output, HubJson.Default.GetTypeInfo(typeof(T))!)!;
}

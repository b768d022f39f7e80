using PoolHub.Protocol;
using PoolHub.Protocol.Client;
using PoolHub.Protocol.Http;
using PoolHub.Protocol.Wire;
using PoolHub.Tests.Protocol;

namespace PoolHub.Tests.EndToEnd;

/// <summary>SIGKILL, and a start on what it left.</summary>
public sealed class CrashTests
{
    [Fact]
    public async Task Hub_that_was_killed_comes_back_with_its_miners_sessions_keys_trust_and_secrets()
    {
        await using HubProcess hub = await HubProcess.StartAsync(("ENROLLMENT", ""));
        string key = (await hub.Admin.IssueKeyAsync("rig-a", TestContext.Current.CancellationToken)).ApiKey;
        string steadyKey = (await hub.Admin.IssueKeyAsync("rig-steady", TestContext.Current.CancellationToken)).ApiKey;
        await using LiveMiner steady = await LiveMiner.JoinAsync(hub, "tcp", "rig-steady", key: steadyKey);
        string token;
        await using (HubConversation conversation = await MinerConversation.OverTcpAsync(hub))
        {
            token = await conversation.GreetAsync("rig-a", key);
        }
        string leftKey = (await hub.Admin.IssueKeyAsync("rig-left", TestContext.Current.CancellationToken)).ApiKey;
        await using (HubConversation conversation = await MinerConversation.OverTcpAsync(hub))
        {
            _ = await conversation.GreetAsync("rig-left", leftKey);
            await conversation.SendAsync(new Goodbye(CloseReason.Leaving, "", 0));
            await hub.StateAsync("rig-left", "offline");
        }
        double trust = (await hub.ReportAsync("job-1", "rig-a", "completed")).TrustScore;
        byte[] sessionKey = SessionKey(hub);
        (long epoch, long steadyEpoch) = ((await hub.MinerAsync("rig-a")).Epoch, steady.Client.Epoch);

        await hub.KillAsync();
        await hub.RestartAsync();

        // The first thing that it is asked.
        MatchResponse match = await hub.MatchAsync();
        Assert.Equal(["rig-a", "rig-steady"], match.Candidates.Select(c => c.MinerId).Order(StringComparer.Ordinal));
        Assert.True(match.Candidates.Single(c => c.MinerId == "rig-a").Degraded);
        MinerSnapshot known = await hub.MinerAsync("rig-a");
        Assert.Equal(("degraded", epoch), (known.State, known.Epoch));
        Assert.Equal(trust, known.TrustScore, 4);
        Assert.Equal("duplicate", (await hub.ReportAsync("job-1", "rig-a", "completed")).Status);
        Assert.Contains(hub.Log, l => l.Contains("had not been closed; it was checked and is sound", StringComparison.Ordinal));
        Assert.Equal(sessionKey, SessionKey(hub));

        await using HubConversation resumed = await MinerConversation.OverTcpAsync(hub);
        Welcome welcome = await resumed.ResumeAsync("rig-a", token);
        Assert.Equal((true, epoch), (welcome.Resumed, welcome.Epoch));
        await hub.StateAsync("rig-a", "online");
        _ = await steady.UntilAsync(MinerClientState.Online);
        Assert.Equal((steadyEpoch, 2L), (steady.Client.Epoch, steady.Client.Connections));

        await using HubConversation fresh = await MinerConversation.OverTcpAsync(hub);
        _ = await fresh.GreetAsync("rig-a", key);
        Assert.Equal(CloseReason.Replaced, (await resumed.ExpectPastPingsAsync<Goodbye>()).Reason);
        await using HubConversation stranger = await MinerConversation.OverTcpAsync(hub);
        await stranger.SendAsync(new Hello(1, [], "rig-a", MinerKey.Create(), null));
        Assert.Equal(CloseReason.BadCredentials, (await stranger.ExpectAsync<Goodbye>()).Reason);
    }

    [Fact]
    public async Task Secrets_of_the_hubs_own_making_are_private_named_in_the_log_and_survive()
    {
        await using HubProcess hub = await HubProcess.StartAsync(("COORDINATOR_SHARED_SECRET", ""), ("ADMIN_TOKEN", ""));
        Dictionary<string, string> secrets = Secrets(hub);
        Assert.Equal(["admin-token", "coordinator-secret", "session-key"], secrets.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(3, secrets.Values.Distinct().Count());
        await Eventually.SeeAsync(() => Task.FromResult(hub.Log), log =>
            log.Any(l => l.EndsWith($"COORDINATOR_SHARED_SECRET is not set: the one in use is {hub.StateDir}/coordinator-secret", StringComparison.Ordinal))
            && log.Any(l => l.EndsWith($"ADMIN_TOKEN is not set: the one in use is {hub.StateDir}/admin-token", StringComparison.Ordinal)));
        Assert.All(secrets.Values, s => Assert.DoesNotContain(hub.Log, l => l.Contains(s, StringComparison.Ordinal)));
        _ = await Assert.ThrowsAsync<HubException>(() => hub.MatchAsync());

        await hub.KillAsync();
        await hub.RestartAsync();
        Assert.Equal(secrets, Secrets(hub));
        var coordinator = new CoordinatorClient(hub.Http, secrets["coordinator-secret"]);
        _ = await coordinator.MatchAsync(new MatchRequest { JobId = "j" }, TestContext.Current.CancellationToken);
        var admin = new AdminClient(hub.Http, secrets["admin-token"]);
        Assert.Empty((await admin.ListMinersAsync(cancel: TestContext.Current.CancellationToken)).Miners);
    }

    private static byte[] SessionKey(HubProcess hub) => File.ReadAllBytes(Path.Combine(hub.StateDir, "session-key"));

    private static Dictionary<string, string> Secrets(HubProcess hub)
    {
        string[] files = [.. Directory.GetFiles(hub.StateDir).Where(f => !Path.GetFileName(f).StartsWith("poolhub.db", StringComparison.Ordinal))];
        Assert.All(files, f => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(f)));
        return files.ToDictionary(f => Path.GetFileName(f), f => File.ReadAllText(f).Trim());
    }
}

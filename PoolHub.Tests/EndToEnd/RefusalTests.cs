using System.Net;
using System.Net.Sockets;

namespace PoolHub.Tests.EndToEnd;

/// <summary>What the daemon will not do, and how it says so.</summary>
public sealed class RefusalTests
{
    [Fact]
    public async Task CheckConfig_names_every_bad_line_and_repeats_no_secret()
    {
        await using HubProcess hub = HubProcess.Prepare(
            ("COORDINATOR_SHARED_SECRET", "hush-hush"),
            ("ADMIN_TOKEN", "psst"),
            ("POOLHUB_BIND", "nowhere"),
            ("SESSION_TTL_SEC", "soon"),
            ("HEARTBEAT_GRACE_SEC", "0"),
            ("ENROLLMENT", "maybe"),
            ("DEFAULT_WEIGHTS", "beauty:1"),
            ("LOG_LEVL", "debug"),
            ("DB_DSN", "postgresql://poolhub:sesame/1@127.0.0.1/aitbc"));
        await File.AppendAllTextAsync(hub.ConfigPath, "ADMIN_TOKEN other-secret\n", TestContext.Current.CancellationToken);
        FinishedProgram run = await Programs.RunAsync(Programs.Daemon, ["--check-config", "--config", hub.ConfigPath]);
        Assert.Equal(1, run.Status);
        Assert.Empty(run.Output);
        foreach (string name in (string[])["COORDINATOR_SHARED_SECRET", "ADMIN_TOKEN", "POOLHUB_BIND", "SESSION_TTL_SEC",
            "HEARTBEAT_GRACE_SEC", "ENROLLMENT", "DEFAULT_WEIGHTS", "LOG_LEVL: unknown setting", "did you mean LOG_LEVEL?", "DB_DSN", "not of the form NAME=value"])
        {
            Assert.Contains(run.ErrorLines, l => l.Contains(name, StringComparison.Ordinal));
        }
        Assert.All(run.ErrorLines, l => Assert.StartsWith("poolhubd: ", l, StringComparison.Ordinal));
        Assert.All((string[])["hush-hush", "psst", "sesame", "other-secret"], s => Assert.DoesNotContain(s, run.Errors, StringComparison.Ordinal));
    }

    [Fact]
    public async Task CheckConfig_of_good_settings_ends_with_0_and_starts_nothing()
    {
        await using HubProcess hub = HubProcess.Prepare();
        FinishedProgram run = await Programs.RunAsync(Programs.Daemon, ["--check-config"], [.. hub.Environment()]);
        Assert.Equal((0, "the settings are good", ""), (run.Status, run.Output, run.Errors));
        Assert.False(Directory.Exists(hub.StateDir));
    }

    [Fact]
    public async Task Version_is_one_line()
    {
        FinishedProgram run = await Programs.RunAsync(Programs.Daemon, ["--version"]);
        Assert.Equal(0, run.Status);
        Assert.Matches(@"^poolhubd \d+\.\d+\.\d+$", run.Output);
    }

    [Theory]
    [InlineData("--frobnicate", "unknown argument '--frobnicate'")]
    [InlineData("--config", "--config needs a path")]
    public async Task Wrong_argument_ends_with_2_and_the_usage(string argument, string complaint)
    {
        FinishedProgram run = await Programs.RunAsync(Programs.Daemon, [argument]);
        Assert.Equal(2, run.Status);
        Assert.Equal($"poolhubd: {complaint}", run.ErrorLines[0]);
        Assert.Contains("Usage: poolhubd", run.Errors, StringComparison.Ordinal);
        Assert.Empty(run.Output);
    }

    [Theory]
    [InlineData("POOLHUB_PORT")]
    [InlineData("POOLHUB_MINER_PORT")]
    public async Task Port_that_is_taken_is_an_error_of_one_line(string name)
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        int port = ((IPEndPoint)other.LocalEndpoint).Port;
        await using HubProcess hub = HubProcess.Prepare();
        FinishedProgram run = await Programs.RunAsync(
            Programs.Daemon, [], [.. hub.Environment().Where(e => e.Name != name), (name, $"{port}")]);
        Assert.Equal(1, run.Status);
        string line = Assert.Single(run.ErrorLines, l => !l.StartsWith("info: ", StringComparison.Ordinal));
        Assert.StartsWith("poolhubd: ", line, StringComparison.Ordinal);
        Assert.Contains($"{port}", line, StringComparison.Ordinal);
        Assert.Contains("in use", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Second_hub_on_the_same_state_directory_is_refused_and_the_first_goes_on()
    {
        await using HubProcess hub = await HubProcess.StartAsync();
        FinishedProgram run = await Programs.RunAsync(
            Programs.Daemon, [], ("POOLHUB_CONFIG", hub.ConfigPath), ("POOLHUB_STATE_DIR", hub.StateDir), ("POOLHUB_PORT", "0"), ("POOLHUB_MINER_PORT", "0"));
        Assert.Equal(1, run.Status);
        string line = Assert.Single(run.ErrorLines);
        Assert.StartsWith($"poolhubd: {hub.StateDir}", line, StringComparison.Ordinal);
        Assert.Contains("is held by another poolhubd", line, StringComparison.Ordinal);
        Assert.Equal("ok", (await hub.HealthAsync()).Status);
    }

    [Theory]
    [InlineData("DB_DSN", "postgresql://poolhub:sesame/1@127.0.0.1/aitbc", "its port must be")]
    [InlineData("POOLHUB_BIND", "0.0.0.0", "TRUST_NETWORK=yes")]
    [InlineData("POOLHUB_BIND", "::", "TRUST_NETWORK=yes")]
    public async Task Setting_that_this_hub_cannot_honour_keeps_it_from_starting(string name, string value, string why)
    {
        await using HubProcess hub = HubProcess.Prepare((name, value));
        FinishedProgram run = await Programs.RunAsync(Programs.Daemon, [], [.. hub.Environment()]);
        Assert.Equal(1, run.Status);
        string line = Assert.Single(run.ErrorLines);
        Assert.StartsWith($"poolhubd: {name}: ", line, StringComparison.Ordinal);
        Assert.Contains(why, line, StringComparison.Ordinal);
        Assert.DoesNotContain("sesame", line, StringComparison.Ordinal);
        Assert.False(Directory.Exists(hub.StateDir));
    }
}

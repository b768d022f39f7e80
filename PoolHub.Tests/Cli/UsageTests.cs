using PoolHub.Cli.Shell;

namespace PoolHub.Tests.Cli;

public sealed class UsageTests
{
    [Theory]
    [InlineData("nonsense")]
    [InlineData("match --nonsense")]
    [InlineData("match --min-vram much")]
    [InlineData("why-not")]
    [InlineData("why-not rig-1 --match-id x --region eu")]
    [InlineData("why-not rig-1 --match-id x --file -")]
    [InlineData("miners --state asleep")]
    [InlineData("miners --limit 0")]
    [InlineData("feedback --job-id j --miner-id m --outcome perhaps")]
    [InlineData("feedback --job-id j")]
    [InlineData("command rig-1 dance")]
    [InlineData("key lend rig-1")]
    [InlineData("simulate --miners 0")]
    [InlineData("simulate --transport pigeon")]
    [InlineData("simulate --duration soon")]
    [InlineData("simulate --prefix a/b")]
    [InlineData("demo --once --daemon /nowhere/poolhubd")]
    [InlineData("demo --miners 3")]
    [InlineData("health --hub ftp://127.0.0.1")]
    [InlineData("simulate --miner-hub http://127.0.0.1")]
    public async Task Wrong_command_line_exits_2_with_one_line_on_stderr(string line)
    {
        CommandLine run = await CommandLine.RunAsync(line.Split(' '));
        Assert.Equal(ExitCode.Usage, run.ExitCode);
        Assert.StartsWith("poolhub: ", run.Errors, StringComparison.Ordinal);
        _ = Assert.Single(run.Errors.TrimEnd('\n').Split('\n'));
        Assert.Empty(run.Output);
    }

    [Fact]
    public async Task No_command_at_all_shows_the_help_on_stderr_and_exits_2()
    {
        CommandLine run = await CommandLine.RunAsync();
        Assert.Equal(ExitCode.Usage, run.ExitCode);
        Assert.Contains("Examples:", run.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Hub_that_is_not_there_exits_1_and_says_what_to_do()
    {
        CommandLine run = await CommandLine.RunAsync("health", "--hub", "http://127.0.0.1:9");
        Assert.Equal(ExitCode.Failed, run.ExitCode);
        Assert.Contains("127.0.0.1:9", run.Errors, StringComparison.Ordinal);
        Assert.Contains("--hub", run.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("demo")]
    [InlineData("simulate")]
    [InlineData("match")]
    [InlineData("why-not")]
    [InlineData("feedback")]
    [InlineData("miners")]
    [InlineData("key")]
    [InlineData("bans")]
    [InlineData("price")]
    [InlineData("command")]
    [InlineData("health")]
    public async Task Help_of_every_command_has_an_example(string command)
    {
        CommandLine run = await CommandLine.RunAsync([.. command.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--help"]);
        Assert.Equal(ExitCode.Done, run.ExitCode);
        Assert.Contains($"  poolhub {command}".TrimEnd(), run.Output[run.Output.IndexOf("Examples:", StringComparison.Ordinal)..], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Help_of_the_tool_lists_exit_codes_and_environment()
    {
        CommandLine run = await CommandLine.RunAsync("--help");
        Assert.Contains("Exit codes:", run.Output, StringComparison.Ordinal);
        Assert.Contains("COORDINATOR_SHARED_SECRET", run.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://127.0.0.1:8203", null, "tcp://127.0.0.1:8204/", "ws://127.0.0.1:8203/")]
    [InlineData("http://hub:9000", null, "tcp://hub:9001/", "ws://hub:9000/")]
    [InlineData("https://hub.example/api", null, "tcps://hub.example:8204/", "wss://hub.example/api")]
    [InlineData("http://hub:9000", "tcp://other:7", "tcp://other:7/", "ws://hub:9000/")]
    public void Address_for_miners_follows_from_the_hubs(string http, string? tcp, string miners, string webSocket)
    {
        var address = HubAddress.Parse(http, tcp);
        Assert.Equal(miners.TrimEnd('/'), address.Tcp.ToString().TrimEnd('/'));
        Assert.Equal(webSocket.TrimEnd('/'), address.WebSocket.ToString().TrimEnd('/'));
    }

    [Theory]
    [InlineData("90", 90)]
    [InlineData("30s", 30)]
    [InlineData("1.5m", 90)]
    [InlineData("2h", 7200)]
    public void Duration_is_a_number_and_its_unit(string text, double seconds)
    {
        Assert.True(Durations.TryParse(text, out TimeSpan duration));
        Assert.Equal(seconds, duration.TotalSeconds);
    }

    [Theory]
    [InlineData("")]
    [InlineData("0")]
    [InlineData("m")]
    [InlineData("-5s")]
    [InlineData("5 days")]
    [InlineData("99999999h")]
    public void Duration_that_is_none_is_refused(string text) => Assert.False(Durations.TryParse(text, out _));
}

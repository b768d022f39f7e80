using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using PoolHub.Cli.Shell;
using PoolHub.Protocol;
using PoolHub.Protocol.Http;
using PoolHub.Protocol.Wire;
using PoolHub.Tests.Support;
using Spectre.Console;
using Command = System.CommandLine.Command;

namespace PoolHub.Tests.Cli;

/// <summary>What the commands make of a hub's answers.</summary>
public sealed class AnswerTests
{
    [Fact]
    public void Command_that_a_hub_answers_takes_json()
    {
        string[] without = [.. Leaves(App.Create(new Terminal(AnsiConsole.Console, TextWriter.Null, TextReader.Null)), "poolhub", json: false)];
        Assert.Equal(["poolhub demo", "poolhub simulate", "poolhub store export", "poolhub store import"], without.Order());
    }

    [Fact]
    public async Task List_of_nothing_exits_3()
    {
        await using TestHub hub = await TestHub.StartAsync();
        Assert.Equal((ExitCode.Nothing, "nobody is banned\n"), await RunAsync(hub, "bans"));
        Assert.Equal(ExitCode.Nothing, (await RunAsync(hub, "bans", "--json")).ExitCode);
        Assert.Equal((ExitCode.Nothing, "No miner has a key.\n"), await RunAsync(hub, "key", "list"));
        Assert.Equal((ExitCode.Nothing, "Nothing was changed.\n"), await RunAsync(hub, "key", "log"));
        Assert.Equal((ExitCode.Nothing, "The hub knows no such miner.\n"), await RunAsync(hub, "miners"));
    }

    [Fact]
    public async Task Ban_is_listed_and_lifted()
    {
        await using TestHub hub = await TestHub.StartAsync(("LOGIN_FAILURE_LIMIT", "1"));
        // From an address with a ban an admin is heard who has been there before.
        _ = await hub.IssueKeyAsync("rig-1");
        TcpMiner stranger = await hub.ConnectAsync();
        await stranger.SendAsync(new Hello(1, [], "rig-1", "a key that is none", null));
        _ = await stranger.ExpectGoodbyeAsync(CloseReason.BadCredentials);
        (int code, string output) = await RunAsync(hub, "bans");
        Assert.Equal(ExitCode.Done, code);
        Assert.Contains("rig-1", output, StringComparison.Ordinal);
        Assert.Equal("rig-1", (await ReadAsync(hub, HubJson.Default.LiftResponse, "bans", "lift", "rig-1")).Lifted);
    }

    [Fact]
    public async Task Price_of_an_admin_and_a_command_are_answered_in_json_too()
    {
        await using TestHub hub = await TestHub.StartAsync();
        _ = await hub.EnrolAsync("rig-1");
        PriceResponse set = await ReadAsync(hub, HubJson.Default.PriceResponse, "price", "set", "rig-1", "0.5");
        Assert.Equal(("rig-1", new TokenPrice(50_000_000)), (set.MinerId, set.PriceTokenPerKsec));
        Assert.Contains("0.5 tokens per 1,000 s by an admin, its own", (await RunAsync(hub, "miners", "rig-1")).Output, StringComparison.Ordinal);
        PriceResponse cleared = await ReadAsync(hub, HubJson.Default.PriceResponse, "price", "clear", "rig-1");
        Assert.Equal(cleared.OwnPrice, cleared.PriceTokenPerKsec);
        Assert.Equal("pending", (await ReadAsync(hub, HubJson.Default.CommandResponse, "command", "rig-1", "drain", "--wait-ms", "0")).Status);
    }

    [Fact]
    public async Task Revoked_keys_are_counted()
    {
        await using TestHub hub = await TestHub.StartAsync();
        _ = await hub.IssueKeyAsync("rig-1");
        _ = await hub.IssueKeyAsync("rig-2");
        Assert.Equal((ExitCode.Done, "rig-1: 1 key revoked\n"), await RunAsync(hub, "key", "revoke", "rig-1"));
        Assert.Equal(ExitCode.Done, (await RunAsync(hub, "key", "rotate", "rig-2")).ExitCode);
        Assert.Equal((ExitCode.Done, "rig-2: 2 keys revoked\n"), await RunAsync(hub, "key", "revoke", "rig-2"));
    }

    private static async Task<(int ExitCode, string Output)> RunAsync(TestHub hub, params string[] args)
    {
        CommandLine run = await CommandLine.RunAsync([.. args, "--hub", $"http://{hub.Hub.HttpEndPoint}", "--token", TestHub.AdminToken]);
        Assert.Empty(run.Errors);
        return (run.ExitCode, run.Output);
    }

    private static async Task<T> ReadAsync<T>(TestHub hub, JsonTypeInfo<T> type, params string[] args)
    {
        (int code, string output) = await RunAsync(hub, [.. args, "--json"]);
        Assert.Equal(ExitCode.Done, code);
        return JsonSerializer.Deserialize(output, type)!;
    }

    /// <summary>The commands that run and take no <c>--json</c>.</summary>
    private static IEnumerable<string> Leaves(Command command, string path, bool json)
    {
        json |= command.Options.Any(option => option.Name == "--json");
        IEnumerable<string> below = command.Subcommands.SelectMany(sub => Leaves(sub, $"{path} {sub.Name}", json));
        return command.Action is null || json ? below : below.Append(path);
    }
}

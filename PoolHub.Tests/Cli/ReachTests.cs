using System.Net;
using System.Net.Sockets;
using PoolHub.Cli.Shell;
using PoolHub.Daemon.Access;
using PoolHub.Daemon.Gateway;

namespace PoolHub.Tests.Cli;

/// <summary>What the tool says of a hub that it cannot reach.</summary>
public sealed class ReachTests
{
    [Fact]
    public async Task Hub_that_drops_what_this_address_sends_is_said_to_within_seconds()
    {
        using var door = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        door.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        door.Listen();
        Assert.True(SynFilter.Attach(door, [AddressBlock.Of(IPAddress.Loopback)]));
        var waited = System.Diagnostics.Stopwatch.StartNew();
        CommandLine run = await CommandLine.RunAsync("bans", "lift", "127.0.0.1", "--hub", $"http://{door.LocalEndPoint}", "--token", "an-admins-own-token");
        Assert.Equal(ExitCode.Failed, run.ExitCode);
        Assert.Contains("no connection was made in time", run.Errors, StringComparison.Ordinal);
        Assert.Contains("a ban of this address", run.Errors, StringComparison.Ordinal);
        Assert.InRange(waited.Elapsed.TotalSeconds, 0, 20);
    }
}

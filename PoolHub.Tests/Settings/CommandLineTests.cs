using PoolHub.Daemon.Settings;

namespace PoolHub.Tests.Settings;

public sealed class CommandLineTests
{
    [Theory]
    [InlineData("", 0, null)]
    [InlineData("--config a", 0, "a")]
    [InlineData("--config a --config b", 0, "b")]
    [InlineData("--check-config --config a", 1, "a")]
    [InlineData("--version", 2, null)]
    [InlineData("--help", 3, null)]
    [InlineData("-h", 3, null)]
    [InlineData("--reload", 4, null)]
    public void Arguments_are_understood(string args, int action, string? path)
    {
        Assert.True(CommandLine.TryParse(args.Split(' ', StringSplitOptions.RemoveEmptyEntries), out CommandLine line, out _));
        Assert.Equal(new CommandLine((CommandAction)action, path), line);
    }

    [Theory]
    [InlineData("--config", "--config needs a path")]
    [InlineData("--verbose", "unknown argument '--verbose'")]
    [InlineData("serve", "unknown argument 'serve'")]
    public void Arguments_that_mean_nothing_are_named(string args, string complaint)
    {
        Assert.False(CommandLine.TryParse([args], out _, out string? said));
        Assert.Equal(complaint, said);
    }
}

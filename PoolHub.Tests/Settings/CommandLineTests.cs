using PoolHub.Daemon.Settings;

namespace PoolHub.Tests.Settings;

public sealed class CommandLineTests
{
    [Theory]
    [InlineData("", nameof(CommandAction.Run), null)]
    [InlineData("--config a", nameof(CommandAction.Run), "a")]
    [InlineData("--config a --config b", nameof(CommandAction.Run), "b")]
    [InlineData("--check-config --config a", nameof(CommandAction.CheckConfig), "a")]
    [InlineData("--migrate-only --config a", nameof(CommandAction.MigrateOnly), "a")]
    [InlineData("--export f --config a", nameof(CommandAction.Export), "a", "f")]
    [InlineData("--config a --import f", nameof(CommandAction.Import), "a", "f")]
    [InlineData("--version", nameof(CommandAction.Version), null)]
    [InlineData("--help", nameof(CommandAction.Help), null)]
    [InlineData("-h", nameof(CommandAction.Help), null)]
    [InlineData("--reload", nameof(CommandAction.Reload), null)]
    public void Arguments_are_understood(string args, string action, string? path, string? archive = null)
    {
        Assert.True(CommandLine.TryParse(args.Split(' ', StringSplitOptions.RemoveEmptyEntries), out CommandLine line, out _));
        Assert.Equal(new CommandLine(Enum.Parse<CommandAction>(action), path, archive), line);
    }

    [Theory]
    [InlineData("--config", "--config needs a path")]
    [InlineData("--export", "--export needs a file")]
    [InlineData("--import", "--import needs a file")]
    [InlineData("--verbose", "unknown argument '--verbose'")]
    [InlineData("serve", "unknown argument 'serve'")]
    public void Arguments_that_mean_nothing_are_named(string args, string complaint)
    {
        Assert.False(CommandLine.TryParse([args], out _, out string? said));
        Assert.Equal(complaint, said);
    }
}

using PoolHub.Cli.Keys;
using PoolHub.Protocol.Http;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace PoolHub.Tests.Cli;

public sealed class KeyViewsTests
{
    private static readonly DateTimeOffset s_noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Keys_say_how_they_stand()
    {
        string text = Text(KeyViews.Keys(
            [
                new KeyView { MinerId = "rig-1", Valid = true, IssuedAt = s_noon },
                new KeyView { MinerId = "rig-2", Valid = true, OldKeyUntil = s_noon },
                new KeyView { MinerId = "rig-3", Valid = false, RevokedAt = s_noon },
            ]));
        Assert.Contains("valid, the old one until 2026-01-01 12:00:00Z", text, StringComparison.Ordinal);
        Assert.Contains("revoked 2026-01-01 12:00:00Z", text, StringComparison.Ordinal);
    }

    /// <summary>A detail may hold what an admin wrote, such as tags.</summary>
    [Fact]
    public void Log_shows_a_detail_as_it_is()
    {
        string text = Text(KeyViews.Log([new AuditView { At = s_noon, Who = "carol", Action = "command", MinerId = "rig-1", Detail = "update_tags [red]" }]));
        Assert.Contains("update_tags [red]", text, StringComparison.Ordinal);
    }

    private static string Text(IRenderable view)
    {
        using var text = new StringWriter();
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, Out = new AnsiConsoleOutput(text) });
        console.Profile.Width = 200;
        console.Write(view);
        return text.ToString();
    }
}

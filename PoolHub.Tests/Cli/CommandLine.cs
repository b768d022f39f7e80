using PoolHub.Cli.Shell;
using Spectre.Console;

namespace PoolHub.Tests.Cli;

/// <summary>Runs the tool as a shell would, and keeps what it writes.</summary>
internal sealed record CommandLine(int ExitCode, string Output, string Errors)
{
    public static async Task<CommandLine> RunAsync(params string[] args)
    {
        using var output = new StringWriter();
        using var errors = new StringWriter();
        var terminal = new Terminal(ConsoleOn(output), output, TextReader.Null);
        int code = await App.RunAsync(args, terminal, output, errors);
        return new CommandLine(code, output.ToString(), errors.ToString());
    }

    /// <summary>What a view draws, without colours.</summary>
    public static string Draw(Action<IAnsiConsole> draw)
    {
        using var output = new StringWriter();
        draw(ConsoleOn(output));
        return output.ToString();
    }

    private static IAnsiConsole ConsoleOn(TextWriter output)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.No,
            ColorSystem = ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(output),
        });
        console.Profile.Width = 200;
        console.Profile.Capabilities.Unicode = true;
        return console;
    }
}

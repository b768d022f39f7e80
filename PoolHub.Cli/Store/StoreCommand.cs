using System.CommandLine;
using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using PoolHub.Cli.Shell;
using Spectre.Console;

namespace PoolHub.Cli.Store;

/// <summary>
/// <c>poolhub store</c>: everything that a hub keeps, to a file and back. The daemon's program does it, since it has the
/// settings and the right to read them; this shows how far it is.
/// </summary>
internal static class StoreCommand
{
    public static Command Create(Terminal terminal)
    {
        var command = new CommandWithExamples(
            "store",
            "Write everything that a hub keeps to a file, or read it into an empty store: to keep it, or to move between SQLite and "
                + "PostgreSQL. Run it as the hub's user, while the hub is stopped.",
            "poolhub store export fleet.jsonl",
            "poolhub store import fleet.jsonl --config /etc/poolhub/postgres.env");
        command.Add(Move(terminal, "export", "Write the store that the settings name to a new file."));
        command.Add(Move(terminal, "import", "Read a file into the store that the settings name, which must be empty."));
        return command;
    }

    private static Command Move(Terminal terminal, string verb, string description)
    {
        var file = new Argument<string>("file") { Description = "The file; JSON lines." };
        var config = new Option<string?>("--config") { Description = "The hub's settings [default: where poolhubd looks]", HelpName = "path" };
        var daemon = new Option<string?>("--daemon") { Description = "The poolhubd to use [default: beside this program, then in the path]", HelpName = "path" };
        var move = new Command(verb, description) { file, config, daemon };
        move.SetAction((line, cancel) => RunAsync(
            terminal,
            DaemonProgram.Find(line.GetValue(daemon)),
            [.. line.GetValue(config) is { } path ? (string[])["--config", path] : [], $"--{verb}", line.GetValue(file)!],
            cancel));
        return move;
    }

    private static async Task<int> RunAsync(Terminal terminal, string program, string[] arguments, CancellationToken cancel)
    {
        using Process process = Start(program, arguments);
        Task<string> errors = process.StandardError.ReadToEndAsync(cancel);
        List<string> said = [];
        await terminal.Console.Progress().Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
            .StartAsync(async progress =>
            {
                ProgressTask bar = progress.AddTask(arguments[^2][2..], maxValue: 1);
                while (await process.StandardOutput.ReadLineAsync(cancel) is { } text)
                {
                    if (text.Split(' ') is ["progress", var done, var total])
                    {
                        bar.MaxValue = Math.Max(1, double.Parse(total, CultureInfo.InvariantCulture));
                        bar.Value = double.Parse(done, CultureInfo.InvariantCulture);
                    }
                    else
                    {
                        said.Add(text);
                    }
                }
            });
        await process.WaitForExitAsync(cancel);
        if (process.ExitCode != 0)
        {
            // The last line is the complaint; before it is the log.
            string complaint = (await errors).TrimEnd().Split('\n')[^1];
            throw new CliException(complaint.StartsWith("poolhubd: ", StringComparison.Ordinal) ? complaint["poolhubd: ".Length..] : complaint);
        }
        said.ForEach(terminal.WriteLine);
        return ExitCode.Done;
    }

    private static Process Start(string program, string[] arguments)
    {
        try
        {
            return Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        }
        catch (Win32Exception e)
        {
            throw new CliException($"{program} does not start: {e.Message}; say where it is with --daemon", e);
        }
    }
}

using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using System.Net;
using PoolHub.Cli.Demo;
using PoolHub.Cli.Keys;
using PoolHub.Cli.Match;
using PoolHub.Cli.Miners;
using PoolHub.Cli.Simulate;
using PoolHub.Cli.Store;
using PoolHub.Protocol.Client;

namespace PoolHub.Cli.Shell;

/// <summary>All commands, and the one place where what goes wrong becomes a line on stderr and an exit code.</summary>
internal static class App
{
    public static RootCommand Create(Terminal terminal)
    {
        var root = new RootCommand("Pool Hub's tool: simulate miners, ask for matches, inspect the registry, manage keys.");
        var hub = new HubOptions();
        root.Add(DemoCommand.Create(terminal));
        root.Add(SimulateCommand.Create(terminal, hub));
        root.Add(MatchCommand.Create(terminal, hub));
        root.Add(WhyNotCommand.Create(terminal, hub));
        root.Add(FeedbackCommand.Create(terminal, hub));
        root.Add(HoldsCommand.Create(terminal, hub));
        root.Add(MinersCommand.Create(terminal, hub));
        root.Add(KeyCommand.Create(terminal, hub));
        root.Add(BansCommand.Create(terminal, hub));
        root.Add(SendCommand.Create(terminal, hub));
        root.Add(PriceCommand.Create(terminal, hub));
        root.Add(TrustCommand.Create(terminal, hub));
        root.Add(StoreCommand.Create(terminal));
        root.Add(HealthCommand.Create(terminal, hub));
        hub.AddTo(root);
        foreach (HelpOption help in root.Options.OfType<HelpOption>())
        {
            help.Action = new HelpWithExamples((HelpAction)help.Action!);
        }
        return root;
    }

    public static async Task<int> RunAsync(string[] args, Terminal terminal, TextWriter output, TextWriter errors)
    {
        RootCommand root = Create(terminal);
        ParseResult line = root.Parse(args);
        if (args.Length == 0)
        {
            _ = await root.Parse("--help").InvokeAsync(new InvocationConfiguration { Output = errors, Error = errors });
            return ExitCode.Usage;
        }
        if (line.Action is ParseErrorAction)
        {
            string command = Path(line.CommandResult);
            // Lists of allowed values come one to a line.
            string[] words = line.Errors[0].Message.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            await errors.WriteLineAsync($"poolhub: {string.Join(' ', words)} Try: {command} --help");
            return ExitCode.Usage;
        }
        try
        {
            return await line.InvokeAsync(new InvocationConfiguration
            {
                EnableDefaultExceptionHandler = false,
                // Long enough to say goodbye for thousands of miners.
                ProcessTerminationTimeout = TimeSpan.FromSeconds(20),
                Output = output,
                Error = errors,
            });
        }
        catch (CliException e)
        {
            await errors.WriteLineAsync($"poolhub: {e.Message}");
            return e.ExitCode;
        }
        catch (HubException e)
        {
            await errors.WriteLineAsync($"poolhub: {e.Message}{Advice(e)}");
            return ExitCode.Failed;
        }
        catch (OperationCanceledException)
        {
            return ExitCode.Interrupted;
        }
    }

    private static string Advice(HubException e) => e.StatusCode switch
    {
        null => ". Is poolhubd running (systemctl status poolhub)? Say where with --hub or POOLHUB_URL.",
        HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden =>
            ". Check the secret or token: --secret-file, --token-file, COORDINATOR_SHARED_SECRET, ADMIN_TOKEN.",
        _ => "",
    };

    private static string Path(CommandResult command) => command.Parent is CommandResult parent
        ? $"{Path(parent)} {command.Command.Name}"
        : "poolhub";
}

using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace PoolHub.Cli.Shell;

/// <summary>A command whose help ends with examples.</summary>
internal sealed class CommandWithExamples(string name, string description, params string[] examples) : Command(name, description)
{
    public IReadOnlyList<string> Examples => examples;
}

/// <summary>The usual help, then the examples of the command and of those below it.</summary>
internal sealed class HelpWithExamples(HelpAction usual) : SynchronousCommandLineAction
{
    public override int Invoke(ParseResult parseResult)
    {
        int code = usual.Invoke(parseResult);
        TextWriter output = parseResult.InvocationConfiguration.Output;
        Command command = parseResult.CommandResult.Command;
        string[] examples = [.. ExamplesOf(command, onlyFirst: command is RootCommand)];
        if (examples.Length > 0)
        {
            output.WriteLine("Examples:");
            foreach (string example in examples)
            {
                output.WriteLine($"  {example}");
            }
            output.WriteLine();
        }
        if (command is RootCommand)
        {
            output.Write(
                """
                Exit codes:
                  0    done (for match: there are candidates)
                  1    the hub could not be reached, refused or failed; or a step of the demo did not hold
                  2    the command line is wrong
                  3    the hub answered that there is none: no candidate, no such miner, match, key or ban
                  130  interrupted

                Environment:
                  POOLHUB_URL                the hub's HTTP address, as --hub
                  POOLHUB_MINER_URL          the hub's address for miners, as --miner-hub
                  COORDINATOR_SHARED_SECRET  as --secret; needed by match, why-not and feedback
                  ADMIN_TOKEN                as --token; needed by miners, key, bans, price, command and simulate
                  POOLHUB_STATE_DIR          where the two are looked for first when not given, then
                                             /etc/poolhub and /var/lib/poolhub

                """);
        }
        return code;
    }

    private static IEnumerable<string> ExamplesOf(Command command, bool onlyFirst)
    {
        IEnumerable<string> own = command is CommandWithExamples taught ? taught.Examples : [];
        IEnumerable<string> below = command.Subcommands.SelectMany(sub => ExamplesOf(sub, onlyFirst));
        return onlyFirst && command is not RootCommand && own.Any() ? own.Take(1) : own.Concat(below);
    }
}

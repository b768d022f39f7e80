using System.CommandLine;
using System.Diagnostics;
using PoolHub.Cli.Shell;
using PoolHub.Cli.Simulate;

namespace PoolHub.Cli.Demo;

internal static class DemoCommand
{
    /// <summary>Always the same fleet, so that every run tells the same story.</summary>
    private const int Seed = 42;

    /// <summary>So many a second arrive that one can watch.</summary>
    private const int StartsPerSec = 150;

    public static Command Create(Terminal terminal)
    {
        var command = new CommandWithExamples(
            "demo",
            "See the product at work: a hub of its own, 300 miners, matches, failures and a restart, told step by step. "
            + "Nothing of it stays.",
            "poolhub demo",
            "poolhub demo --once",
            "poolhub demo --once --miners 1000 --daemon ./out/poolhubd");
        var once = new Option<bool>("--once") { Description = "End after the story; exit code 0 only if every step held." };
        var daemon = new Option<string?>("--daemon") { Description = "The hub's program [default: poolhubd beside this program or in PATH]", HelpName = "path" };
        var count = new Option<int>("--miners") { Description = "How many, 100 to 5000.", HelpName = "count", DefaultValueFactory = _ => 300 };
        command.Add(once);
        command.Add(daemon);
        command.Add(count);
        command.SetAction(async (line, cancel) =>
        {
            if (line.GetValue(count) is < 100 or > 5000)
            {
                throw CliException.Usage("--miners must be from 100 to 5000.");
            }
            string program = DaemonProgram.Find(line.GetValue(daemon));
            FleetMiner[] miners = new Fleet(Seed, prefix: "demo-").Take(line.GetValue(count));
            return await RunAsync(new Narrator(terminal), program, miners, line.GetValue(once), cancel);
        });
        return command;
    }

    private static async Task<int> RunAsync(
        Narrator narrator, string program, FleetMiner[] miners, bool once, CancellationToken cancel)
    {
        var watch = Stopwatch.StartNew();
        using var stopFleet = new CancellationTokenSource();
        using var daemon = new DaemonProcess(program);
        using var fleet = new SimulatedFleet(miners, daemon.Hub.Address, admin: null, Seed, startsPerSec: StartsPerSec);
        narrator.Say($"[bold]Pool Hub[/] knows which GPU miners are there and tells a coordinator who should run its job.");
        var story = new DemoStory(narrator, daemon, fleet, miners, cancel);
        try
        {
            await story.RunAsync(stopFleet.Token);
            narrator.SumUp(watch.Elapsed);
            if (!narrator.AllHeld)
            {
                narrator.Say($"\nThe end of the hub's log:");
                foreach (string logLine in daemon.Tail)
                {
                    narrator.Terminal.WriteLine($"  {logLine}");
                }
                return ExitCode.Failed;
            }
            if (!once)
            {
                fleet.ChurnPercentPerMin = 20;
                await new LiveView(narrator.Terminal, daemon).RunAsync(cancel);
            }
            return ExitCode.Done;
        }
        finally
        {
            // Miners first: they would take the end of the hub for an outage.
            await stopFleet.CancelAsync();
            await story.Running;
        }
    }
}

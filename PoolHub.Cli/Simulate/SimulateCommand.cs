using System.CommandLine;
using System.Globalization;
using PoolHub.Cli.Shell;

namespace PoolHub.Cli.Simulate;

internal static class SimulateCommand
{
    public static Command Create(Terminal terminal, HubOptions hub)
    {
        var command = new CommandWithExamples(
            "simulate",
            "Connect made-up miners whose queues fill and drain, until Ctrl-C; then they say goodbye. When the hub has closed "
            + "its enrolment, their keys are issued (or rotated) with the admin token.",
            "poolhub simulate --miners 300 --transport mix",
            "poolhub simulate --miners 50 --profile datacenter --seed 7 --prefix dc-",
            "poolhub simulate --miners 2000 --churn 20 --duration 5m");
        var count = new Option<int>("--miners") { Description = "How many.", HelpName = "count", DefaultValueFactory = _ => 100 };
        Option<string> transport = new Option<string>("--transport") { Description = "How they connect.", DefaultValueFactory = _ => "tcp" }
            .AcceptOnlyFromAmong("tcp", "ws", "http", "mix");
        Option<string> profile = new Option<string>("--profile") { Description = "What machines they are.", DefaultValueFactory = _ => "mixed" }
            .AcceptOnlyFromAmong("small", "mixed", "datacenter");
        var churn = new Option<double>("--churn") { Description = "What share leaves or is cut off in a minute, and comes back.", HelpName = "percent" };
        var seed = new Option<int?>("--seed") { Description = "The same seed gives the same fleet and keys [default: a random one]", HelpName = "number" };
        var prefix = new Option<string>("--prefix") { Description = "What their ids begin with.", HelpName = "text", DefaultValueFactory = _ => "sim-" };
        var duration = new Option<string?>("--duration") { Description = "Stop after this time: 30s, 5m, 2h [default: at Ctrl-C]", HelpName = "time" };
        var rate = new Option<int>("--rate") { Description = "How many arrive per second.", HelpName = "count", DefaultValueFactory = _ => 300 };
        foreach (Option option in (Option[])[count, transport, profile, churn, seed, prefix, duration, rate])
        {
            command.Add(option);
        }
        command.SetAction(async (line, cancel) =>
        {
            TimeSpan stopAfter = ReadDuration(line.GetValue(duration));
            int usedSeed = line.GetValue(seed) ?? Random.Shared.Next(1, 1_000_000);
            Fleet fleet = ReadFleet(line.GetValue(transport)!, line.GetValue(profile)!, usedSeed, line.GetValue(prefix)!);
            if (line.GetValue(count) is < 1 or > 1_000_000 || line.GetValue(rate) < 1 || line.GetValue(churn) is not (>= 0 and <= 6000))
            {
                throw CliException.Usage("--miners must be from 1 to 1,000,000, --rate at least 1, --churn from 0 to 6000.");
            }
            using HubConnection connection = hub.Connect(line);
            _ = await connection.Health().HealthAsync(cancel);
            using var simulated = new SimulatedFleet(
                fleet.Take(line.GetValue(count)),
                connection.Address,
                connection.AdminIfAny(),
                usedSeed,
                line.GetValue(rate))
            {
                ChurnPercentPerMin = line.GetValue(churn),
            };
            terminal.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{line.GetValue(count)} miners go to {connection.Address.Http.Authority}; seed {usedSeed}; Ctrl-C ends it"));
            return await RunAsync(terminal, simulated, stopAfter, cancel);
        });
        return command;
    }

    private static async Task<int> RunAsync(Terminal terminal, SimulatedFleet fleet, TimeSpan stopAfter, CancellationToken cancel)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        if (stopAfter > TimeSpan.Zero)
        {
            stop.CancelAfter(stopAfter);
        }
        Task running = fleet.RunAsync(stop.Token);
        await new FleetDisplay(terminal, fleet).RunAsync(stop.Token);
        int wereOnline = fleet.Count().Online;
        await running;
        FleetCounts counts = fleet.Count();
        terminal.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{wereOnline} miners said goodbye; {counts.Registered} had registered, {counts.Heartbeats} heartbeats, "
            + $"{counts.Reconnects} reconnects, {counts.Errors} errors"));
        if (fleet.FirstRefusal is { } why)
        {
            throw new CliException(
                $"{counts.Refused} of {counts.Total} miners were refused: {why}. When the hub's enrolment is closed, give the "
                + "admin token (--token-file or ADMIN_TOKEN).");
        }
        return counts.Registered > 0
            ? ExitCode.Done
            : throw new CliException("No miner could register; is --miner-hub right, and the port open?");
    }

    private static TimeSpan ReadDuration(string? text) => text switch
    {
        null => TimeSpan.Zero,
        { } given when Durations.TryParse(given, out TimeSpan time) => time,
        _ => throw CliException.Usage($"--duration {text} is no time; write 30s, 5m or 2h."),
    };

    private static Fleet ReadFleet(string transport, string profile, int seed, string prefix)
    {
        if (!Protocol.Texts.IsMinerId(prefix + "000000"))
        {
            throw CliException.Usage("--prefix must be at most 58 letters, digits or any of . _ : -");
        }
        return new Fleet(
            seed,
            profile switch
            {
                "small" => FleetProfile.Small,
                "datacenter" => FleetProfile.Datacenter,
                _ => FleetProfile.Mixed,
            },
            transport switch
            {
                "tcp" => FleetTransport.Tcp,
                "ws" => FleetTransport.Ws,
                "http" => FleetTransport.Http,
                _ => null,
            },
            prefix);
    }
}

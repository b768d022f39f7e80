using System.CommandLine;
using PoolHub.Cli.Shell;
using PoolHub.Protocol.Client;
using PoolHub.Protocol.Http;

namespace PoolHub.Cli.Miners;

/// <summary><c>poolhub command ID KIND</c>: the hub asks a miner to do something.</summary>
internal static class SendCommand
{
    public static Command Create(Terminal terminal, HubOptions hub)
    {
        var command = new CommandWithExamples(
            "command",
            "Ask a miner to do something and wait for its acknowledgement. Needs the admin token.",
            "poolhub command rig-1 drain",
            "poolhub command rig-1 drain --off",
            "poolhub command rig-1 drain --force",
            "poolhub command rig-1 set-price-cap 0.6",
            "poolhub command rig-1 update-tags eu-west low-latency",
            "poolhub command rig-1 reconnect 10.0.0.6:8204 --delay-ms 2000");
        var id = new Argument<string>("id") { Description = "The miner." };
        var waitMs = new Option<int?>("--wait-ms")
        {
            Description = "How long to wait for the acknowledgement, 0 to 60,000 ms [default: 5000]",
            HelpName = "ms",
            Recursive = true,
        };
        command.Add(id);
        command.Add(waitMs);
        command.Add(hub.Json);
        Command Kind(string name, string description, Func<ParseResult, CommandRequest> request, params Symbol[] symbols)
        {
            var kind = new Command(name, description);
            foreach (Symbol symbol in symbols)
            {
                if (symbol is Argument argument)
                {
                    kind.Add(argument);
                }
                else if (symbol is Option option)
                {
                    kind.Add(option);
                }
            }
            kind.SetAction((line, cancel) => SendAsync(
                terminal, hub, line, line.GetValue(id)!, request(line) with { WaitMs = line.GetValue(waitMs) }, cancel));
            return kind;
        }

        var price = new Argument<decimal>("tokens") { Description = "Tokens per 1,000 s." };
        command.Add(Kind(
            "set-price-cap",
            "Ask no more than this.",
            line => new CommandRequest { Command = "set_price_cap", PriceTokenPerKsec = Prices.Read(line.GetValue(price), "tokens") },
            price));
        var tags = new Argument<string[]>("tags") { Description = "The new tags; none clears them.", Arity = ArgumentArity.ZeroOrMore };
        command.Add(Kind(
            "update-tags",
            "Replace the tags.",
            line => new CommandRequest { Command = "update_tags", Tags = line.GetValue(tags) ?? [] },
            tags));
        var off = new Option<bool>("--off") { Description = "Take jobs again." };
        var force = new Option<bool>("--force") { Description = "Also when the miner refuses: the hub offers it no jobs." };
        command.Add(Kind(
            "drain",
            "Take no more jobs. Works for miners that are offline, and until it is ended with --off.",
            line => new CommandRequest { Command = "drain", On = !line.GetValue(off), Force = line.GetValue(force) ? true : null },
            off,
            force));
        var addr = new Argument<string>("addr") { Description = "The hub to go to: host and port, or an address as in --miner-hub." };
        var delayMs = new Option<int?>("--delay-ms") { Description = "After how long.", HelpName = "ms" };
        command.Add(Kind(
            "reconnect",
            "Say goodbye and connect elsewhere.",
            line => new CommandRequest { Command = "reconnect", Addr = line.GetValue(addr), DelayMs = line.GetValue(delayMs) },
            addr,
            delayMs));
        return command;
    }

    private static async Task<int> SendAsync(
        Terminal terminal, HubOptions hub, ParseResult line, string minerId, CommandRequest request, CancellationToken cancel)
    {
        using HubConnection connection = hub.Connect(line);
        CommandResponse response = await connection.Admin().SendCommandAsync(minerId, request, cancel);
        bool refused = response.Status == "refused";
        if (line.GetValue(hub.Json))
        {
            terminal.WriteJson(response, HubJson.Default.CommandResponse);
            return refused ? ExitCode.Failed : ExitCode.Done;
        }
        if (refused)
        {
            throw new CliException($"{minerId} refused {request.Command}: {response.Detail ?? "it did not say why"}");
        }
        terminal.WriteLine(response.Status == "pending"
            ? $"pending: {minerId} has not acknowledged {request.Command} yet; wait longer with --wait-ms"
            : $"{response.Status}: {minerId} {request.Command} {response.Detail}".TrimEnd());
        return ExitCode.Done;
    }
}

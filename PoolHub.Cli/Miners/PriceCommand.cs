using System.CommandLine;
using PoolHub.Cli.Shell;
using PoolHub.Protocol.Http;

namespace PoolHub.Cli.Miners;

/// <summary><c>poolhub price</c>: what a miner is offered at, in place of its own price.</summary>
internal static class PriceCommand
{
    public static Command Create(Terminal terminal, HubOptions hub)
    {
        var command = new CommandWithExamples(
            "price",
            "Have a miner offered at another price than its own. Needs the admin token.",
            "poolhub price set rig-1 0.5",
            "poolhub price set rig-1 0.5 --for 2h",
            "poolhub price clear rig-1");
        command.Add(hub.Json);
        command.Add(Set(terminal, hub));
        command.Add(Clear(terminal, hub));
        return command;
    }

    private static Command Set(Terminal terminal, HubOptions hub)
    {
        Argument<string> id = Miner();
        var price = new Argument<decimal>("tokens") { Description = "Tokens per 1,000 seconds of work." };
        var duration = new Option<string?>("--for") { Description = "For how long, such as 90s, 5m or 2h [default: until it is cleared]", HelpName = "time" };
        var set = new Command("set", "Set the price.") { id, price, duration };
        set.SetAction(async (line, cancel) =>
        {
            using HubConnection connection = hub.Connect(line);
            var request = new PriceRequest
            {
                PriceTokenPerKsec = Prices.Read(line.GetValue(price), "tokens"),
                EndsAt = line.GetValue(duration) is { } length ? DateTimeOffset.UtcNow + Read(length) : null,
            };
            Write(terminal, await connection.Admin().SetPriceAsync(line.GetValue(id)!, request, cancel), line.GetValue(hub.Json));
            return ExitCode.Done;
        });
        return set;
    }

    private static Command Clear(Terminal terminal, HubOptions hub)
    {
        Argument<string> id = Miner();
        var clear = new Command("clear", "Offer the miner at its own price again.") { id };
        clear.SetAction(async (line, cancel) =>
        {
            using HubConnection connection = hub.Connect(line);
            Write(terminal, await connection.Admin().ClearPriceAsync(line.GetValue(id)!, cancel), line.GetValue(hub.Json));
            return ExitCode.Done;
        });
        return clear;
    }

    private static TimeSpan Read(string text) => Durations.TryParse(text, out TimeSpan length)
        ? length
        : throw CliException.Usage("--for must be a time such as 90s, 5m or 2h.");

    private static void Write(Terminal terminal, PriceResponse price, bool asJson)
    {
        if (asJson)
        {
            terminal.WriteJson(price, HubJson.Default.PriceResponse);
            return;
        }
        terminal.WriteLine(price.PriceTokenPerKsec == price.OwnPrice
            ? $"{price.MinerId} is offered at its own price, {price.OwnPrice}"
            : $"{price.MinerId} is offered at {price.PriceTokenPerKsec} in place of its own {price.OwnPrice}"
                + (price.EndsAt is { } end ? $", until {end:u}" : ""));
    }

    private static Argument<string> Miner() => new("id") { Description = "The miner." };
}

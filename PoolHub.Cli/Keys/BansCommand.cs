using System.CommandLine;
using System.Globalization;
using System.Net;
using PoolHub.Cli.Shell;
using PoolHub.Protocol.Client;
using PoolHub.Protocol.Http;
using Spectre.Console;

namespace PoolHub.Cli.Keys;

/// <summary><c>poolhub bans</c>: who is kept out now.</summary>
internal static class BansCommand
{
    public static Command Create(Terminal terminal, HubOptions hub)
    {
        var command = new CommandWithExamples(
            "bans",
            "Show who is banned, for failed logins or for coming without a word, or lift a ban. Needs the admin token. Exit code 3 when nobody is.",
            "poolhub bans",
            "poolhub bans lift 203.0.113.9",
            "poolhub bans lift rig-1");
        command.Add(hub.Json);
        command.Add(Lift(terminal, hub));
        command.SetAction(async (line, cancel) =>
        {
            using HubConnection connection = hub.Connect(line);
            BansResponse bans = await connection.Admin().ListBansAsync(cancel);
            if (line.GetValue(hub.Json))
            {
                terminal.WriteJson(bans, HubJson.Default.BansResponse);
            }
            else if (bans.Bans.Length == 0)
            {
                terminal.WriteLine("nobody is banned");
            }
            else
            {
                terminal.Console.Write(View(bans));
            }
            return bans.Bans.Length > 0 ? ExitCode.Done : ExitCode.Nothing;
        });
        return command;
    }

    private static Command Lift(Terminal terminal, HubOptions hub)
    {
        var who = new Argument<string>("who") { Description = "An address, as the list shows it, or a miner's id." };
        var lift = new Command("lift", "End a ban.") { who };
        lift.SetAction(async (line, cancel) =>
        {
            using HubConnection connection = hub.Connect(line);
            string text = line.GetValue(who)!;
            AdminClient admin = connection.Admin();
            LiftResponse lifted = IsAddress(text) ? await admin.LiftAddressAsync(text, cancel) : await admin.LiftMinerAsync(text, cancel);
            if (line.GetValue(hub.Json))
            {
                terminal.WriteJson(lifted, HubJson.Default.LiftResponse);
            }
            else
            {
                terminal.WriteLine($"{lifted.Lifted} may come in again");
            }
            return ExitCode.Done;
        });
        return lift;
    }

    private static bool IsAddress(string text) => IPAddress.TryParse(text.EndsWith("/64", StringComparison.Ordinal) ? text[..^3] : text, out _);

    private static Table View(BansResponse bans)
    {
        Table table = new Table().Border(TableBorder.Rounded)
            .AddColumn("address")
            .AddColumn("miner")
            .AddColumn("for")
            .AddColumn(new TableColumn("ends in s").RightAligned())
            .AddColumn(new TableColumn("bans so far").RightAligned());
        foreach (Ban ban in bans.Bans)
        {
            table.AddRow(
                Markup.Escape(ban.Address ?? "–"),
                Markup.Escape(ban.MinerId ?? "–"),
                Markup.Escape(ban.Reason),
                ban.EndsInSec.ToString(CultureInfo.InvariantCulture),
                ban.Count.ToString(CultureInfo.InvariantCulture));
        }
        return table;
    }
}

using System.CommandLine;
using System.Net;
using PoolHub.Cli.Shell;
using PoolHub.Protocol.Client;
using PoolHub.Protocol.Http;

namespace PoolHub.Cli.Miners;

internal static class MinersCommand
{
    public static Command Create(Terminal terminal, HubOptions hub)
    {
        var command = new CommandWithExamples(
            "miners",
            "List the miners that the hub knows, or show one. Needs the admin token. Exit code 3 when there is none.",
            "poolhub miners --state degraded",
            "poolhub miners --region eu --limit 200 --json",
            "poolhub miners rig-1");
        var id = new Argument<string?>("id") { Description = "Show this miner in full.", Arity = ArgumentArity.ZeroOrOne };
        Option<string?> state = new Option<string?>("--state") { Description = "Only those in this state." }
            .AcceptOnlyFromAmong("online", "degraded", "offline");
        var region = new Option<string?>("--region") { Description = "Only those in this region or within.", HelpName = "name" };
        Option<int> limit = Pages.Limit();
        command.Add(id);
        foreach (Option option in (Option[])[state, region, limit, hub.Json])
        {
            command.Add(option);
        }
        command.SetAction(async (line, cancel) =>
        {
            int count = Pages.CountOf(line, limit);
            using HubConnection connection = hub.Connect(line);
            AdminClient admin = connection.Admin();
            if (line.GetValue(id) is { } minerId)
            {
                return await ShowOneAsync(terminal, admin, minerId, line.GetValue(hub.Json), cancel);
            }
            (MinerSnapshot[] miners, string? more) = await Pages.TakeAsync(count, async (size, cursor) =>
            {
                MinerPage page = await admin.ListMinersAsync(size, cursor, line.GetValue(state), line.GetValue(region), cancel);
                return (page.Miners, page.NextCursor);
            });
            if (line.GetValue(hub.Json))
            {
                terminal.WriteJson(new MinerPage { Miners = miners, NextCursor = more }, HubJson.Default.MinerPage);
            }
            else if (miners.Length == 0)
            {
                terminal.WriteLine("The hub knows no such miner.");
            }
            else
            {
                terminal.Console.Write(MinersView.Many(miners));
                terminal.WriteLine(Pages.Sum(miners.Length, "miner", "miners", more));
            }
            return miners.Length > 0 ? ExitCode.Done : ExitCode.Nothing;
        });
        return command;
    }

    private static async Task<int> ShowOneAsync(
        Terminal terminal, AdminClient admin, string minerId, bool asJson, CancellationToken cancel)
    {
        try
        {
            MinerSnapshot miner = await admin.GetMinerAsync(minerId, cancel);
            if (asJson)
            {
                terminal.WriteJson(miner, HubJson.Default.MinerSnapshot);
            }
            else
            {
                terminal.Console.Write(MinersView.One(miner));
            }
            return ExitCode.Done;
        }
        catch (HubException e) when (e.StatusCode is HttpStatusCode.NotFound)
        {
            throw new CliException($"the hub does not know the miner {minerId}; see poolhub miners.", e) { ExitCode = ExitCode.Nothing };
        }
    }
}

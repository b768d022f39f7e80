using System.CommandLine;
using System.Globalization;
using System.Net;
using PoolHub.Cli.Shell;
using PoolHub.Protocol.Client;
using PoolHub.Protocol.Http;

namespace PoolHub.Cli.Miners;

internal static class MinersCommand
{
    /// <summary>What the hub gives in one page at most.</summary>
    private const int PageMiners = 500;

    public static Command Create(Terminal terminal, HubOptions hub)
    {
        var command = new TaughtCommand(
            "miners",
            "List the miners that the hub knows, or show one. Needs the admin token. Exit code 3 when there is none.",
            "poolhub miners --state degraded",
            "poolhub miners --region eu --limit 200 --json",
            "poolhub miners rig-1");
        var id = new Argument<string?>("id") { Description = "Show this miner in full.", Arity = ArgumentArity.ZeroOrOne };
        Option<string?> state = new Option<string?>("--state") { Description = "Only those in this state." }
            .AcceptOnlyFromAmong("online", "degraded", "offline");
        var region = new Option<string?>("--region") { Description = "Only those in this region or within.", HelpName = "name" };
        var limit = new Option<int>("--limit") { Description = "How many at most.", HelpName = "count", DefaultValueFactory = _ => 50 };
        var json = new Option<bool>("--json") { Description = "Print what the hub answers." };
        command.Add(id);
        foreach (Option option in (Option[])[state, region, limit, json])
        {
            command.Add(option);
        }
        command.SetAction(async (line, cancel) =>
        {
            int count = line.GetValue(limit);
            if (count < 1)
            {
                throw CliException.Usage("--limit must be at least 1.");
            }
            using HubConnection connection = hub.Connect(line);
            AdminClient admin = connection.Admin();
            if (line.GetValue(id) is { } minerId)
            {
                return await ShowOneAsync(terminal, admin, minerId, line.GetValue(json), cancel);
            }
            MinerPage page = await ListAsync(admin, count, line.GetValue(state), line.GetValue(region), cancel);
            if (line.GetValue(json))
            {
                terminal.WriteJson(page, HubJson.Default.MinerPage);
            }
            else if (page.Miners.Length == 0)
            {
                terminal.WriteLine("The hub knows no such miner.");
            }
            else
            {
                terminal.Console.Write(MinersView.Many(page.Miners));
                terminal.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{page.Miners.Length} miners{(page.NextCursor is null ? "" : "; there are more, see --limit")}"));
            }
            return page.Miners.Length > 0 ? ExitCode.Done : ExitCode.Nothing;
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

    /// <summary>As many pages as it takes.</summary>
    private static async Task<MinerPage> ListAsync(
        AdminClient admin, int limit, string? state, string? region, CancellationToken cancel)
    {
        List<MinerSnapshot> miners = [];
        string? cursor = null;
        do
        {
            MinerPage page = await admin.ListMinersAsync(Math.Min(PageMiners, limit - miners.Count), cursor, state, region, cancel);
            miners.AddRange(page.Miners);
            cursor = page.NextCursor;
        }
        while (cursor is not null && miners.Count < limit);
        return new MinerPage { Miners = [.. miners], NextCursor = cursor };
    }
}

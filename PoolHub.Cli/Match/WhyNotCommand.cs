using System.CommandLine;
using System.Net;
using PoolHub.Cli.Shell;
using PoolHub.Protocol.Client;
using PoolHub.Protocol.Http;

namespace PoolHub.Cli.Match;

internal static class WhyNotCommand
{
    public static Command Create(Terminal terminal, HubOptions hub)
    {
        var command = new CommandWithExamples(
            "why-not",
            "Ask the hub why a match does not find a miner, or at what place it does. Needs the coordinator secret. "
            + "Exit code 3 when there is no such miner, or no such match any more.",
            "poolhub why-not rig-1 --min-vram 16 --region eu --max-price 0.8",
            "poolhub why-not rig-1 --match-id 019b4c3d2f0a7c5e8a1b6d4f90e2c713");
        var minerId = new Argument<string>("miner-id") { Description = "The miner." };
        var options = new MatchOptions();
        var matchId = new Option<string?>("--match-id") { Description = "A past match instead of the flags above.", HelpName = "id" };
        command.Add(minerId);
        options.AddTo(command);
        command.Add(matchId);
        command.Add(hub.Json);
        command.SetAction(async (line, cancel) =>
        {
            string miner = line.GetValue(minerId)!;
            string? match = line.GetValue(matchId);
            if (match is not null && options.FindGiven(line) is { } flag)
            {
                throw CliException.Usage($"--match-id is a whole request: leave out {flag.Name}.");
            }
            MatchRequest? request = match is null ? options.Read(line, terminal.Input, explain: false) : null;
            using HubConnection connection = hub.Connect(line);
            CoordinatorClient coordinator = connection.Coordinator();
            WhyNotResponse response = await FoundAsync(request is null
                ? coordinator.WhyNotAsync(match!, miner, cancel)
                : coordinator.WhyNotAsync(request, miner, cancel));
            if (line.GetValue(hub.Json))
            {
                terminal.WriteJson(response, HubJson.Default.WhyNotResponse);
            }
            else
            {
                WhyNotView.Write(terminal.Console, response);
            }
            return ExitCode.Done;
        });
        return command;
    }

    private static async Task<WhyNotResponse> FoundAsync(Task<WhyNotResponse> asked)
    {
        try
        {
            return await asked;
        }
        catch (HubException e) when (e.StatusCode is HttpStatusCode.NotFound)
        {
            throw new CliException(e.Message, e) { ExitCode = ExitCode.Nothing };
        }
    }
}

using System.CommandLine;
using PoolHub.Cli.Shell;
using PoolHub.Protocol.Client;
using PoolHub.Protocol.Http;

namespace PoolHub.Cli.Match;

internal static class MatchCommand
{
    public static Command Create(Terminal terminal, HubOptions hub)
    {
        var command = new CommandWithExamples(
            "match",
            "Ask the hub who should run a job. Needs the coordinator secret. Exit code 3 when nobody can.",
            "poolhub match --min-vram 16 --accel cuda --region eu --max-price 0.8",
            "poolhub match --task image_embedding --top-k 5 --weights cheapest --explain",
            "poolhub match --top-k 3 --spread-by owner --exclude rig-1",
            "poolhub match --region eu --max-price 0.2 --why",
            "echo '{\"requirements\":{\"min_vram_gb\":24}}' | poolhub match --file - --json");
        var options = new MatchOptions();
        var explain = new Option<bool>("--explain") { Description = "Show how each score came about, term by term." };
        var why = new Option<bool>("--why")
        {
            Description = "Also show what each clause does and what would find more; with --json, print that instead of matching.",
        };
        options.AddTo(command);
        command.Add(explain);
        command.Add(why);
        command.Add(hub.Json);
        command.SetAction(async (line, cancel) =>
        {
            bool asJson = line.GetValue(hub.Json);
            bool inFull = line.GetValue(explain);
            MatchRequest request = options.Read(line, terminal.Input, explain: inFull || !asJson);
            using HubConnection connection = hub.Connect(line);
            CoordinatorClient coordinator = connection.Coordinator();
            if (asJson && line.GetValue(why))
            {
                ExplainResponse explained = await coordinator.ExplainAsync(request, cancel);
                terminal.WriteJson(explained, HubJson.Default.ExplainResponse);
                return explained.Passing > 0 ? ExitCode.Done : ExitCode.Nothing;
            }
            MatchResponse response = await coordinator.MatchAsync(request, cancel);
            if (asJson)
            {
                terminal.WriteJson(response, HubJson.Default.MatchResponse);
            }
            else
            {
                MatchView.Write(terminal.Console, response, inFull);
            }
            if (!asJson && line.GetValue(why))
            {
                terminal.WriteLine("");
                ExplainView.Write(terminal.Console, await coordinator.ExplainAsync(request, cancel));
            }
            return response.Candidates.Length > 0 ? ExitCode.Done : ExitCode.Nothing;
        });
        return command;
    }
}

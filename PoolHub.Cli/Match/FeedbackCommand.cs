using System.CommandLine;
using PoolHub.Cli.Shell;
using PoolHub.Protocol.Client;
using PoolHub.Protocol.Http;

namespace PoolHub.Cli.Match;

internal static class FeedbackCommand
{
    public static Command Create(Terminal terminal, HubOptions hub)
    {
        var command = new CommandWithExamples(
            "feedback",
            "Tell the hub how a job went; the miner's trust follows. Needs the coordinator secret.",
            "poolhub feedback --job-id 7f3a --miner-id rig-1 --outcome completed --latency-ms 420",
            "poolhub feedback --job-id 7f3b --miner-id rig-1 --outcome failed --fail-code oom");
        var jobId = new Option<string>("--job-id") { Description = "The job, as in the match.", HelpName = "id", Required = true };
        var minerId = new Option<string>("--miner-id") { Description = "The miner that had it.", HelpName = "id", Required = true };
        Option<string> outcome = new Option<string>("--outcome") { Description = "What became of it.", Required = true }
            .AcceptOnlyFromAmong("accepted", "rejected", "failed", "completed");
        var latencyMs = new Option<int?>("--latency-ms") { Description = "How long it took, ms.", HelpName = "ms" };
        var failCode = new Option<string?>("--fail-code") { Description = "Why it failed.", HelpName = "code" };
        var tokensSpent = new Option<decimal?>("--tokens-spent") { Description = "What it cost.", HelpName = "tokens" };
        foreach (Option option in (Option[])[jobId, minerId, outcome, latencyMs, failCode, tokensSpent, hub.Json])
        {
            command.Add(option);
        }
        command.SetAction(async (line, cancel) =>
        {
            using HubConnection connection = hub.Connect(line);
            FeedbackResponse response = await connection.Coordinator().FeedbackAsync(
                new FeedbackRequest
                {
                    JobId = line.GetValue(jobId),
                    MinerId = line.GetValue(minerId),
                    Outcome = line.GetValue(outcome),
                    LatencyMs = line.GetValue(latencyMs),
                    FailCode = line.GetValue(failCode),
                    TokensSpent = Prices.Read(line.GetValue(tokensSpent), tokensSpent.Name),
                },
                cancel);
            if (line.GetValue(hub.Json))
            {
                terminal.WriteJson(response, HubJson.Default.FeedbackResponse);
            }
            else
            {
                terminal.WriteLine(FormattableString.Invariant(
                    $"{response.Status}: trust of {line.GetValue(minerId)} is {response.TrustScore:0.000}")
                    + (response.EjectedForSec is { } sec ? $", ejected for {sec} s" : ""));
            }
            return ExitCode.Done;
        });
        return command;
    }
}

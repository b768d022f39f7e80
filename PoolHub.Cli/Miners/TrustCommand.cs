using System.CommandLine;
using System.Globalization;
using PoolHub.Cli.Shell;
using PoolHub.Protocol.Http;
using Spectre.Console;

namespace PoolHub.Cli.Miners;

/// <summary><c>poolhub trust</c>: what was reported of a miner, and forgetting what that taught.</summary>
internal static class TrustCommand
{
    public static Command Create(Terminal terminal, HubOptions hub)
    {
        var command = new CommandWithExamples(
            "trust",
            "Show who reported what of a miner, or begin its trust anew. Needs the admin token.",
            "poolhub trust reports rig-1",
            "poolhub trust reports rig-1 --limit 500 --json",
            "poolhub trust reset rig-1");
        command.Add(hub.Json);
        command.Add(Reports(terminal, hub));
        command.Add(Reset(terminal, hub));
        return command;
    }

    private static Command Reports(Terminal terminal, HubOptions hub)
    {
        Argument<string> id = Miner();
        Option<int> limit = Pages.Limit();
        var reports = new Command("reports", "Show the newest feedback on a miner. Exit code 3 when there is none.") { id, limit };
        reports.SetAction(async (line, cancel) =>
        {
            using HubConnection connection = hub.Connect(line);
            (FeedbackView[] all, string? more) = await Pages.TakeAsync<FeedbackView>(Pages.CountOf(line, limit), async (count, cursor) =>
            {
                FeedbackPage page = await connection.Admin().ListFeedbackAsync(line.GetValue(id)!, count, cursor, cancel);
                return (page.Reports, page.NextCursor);
            });
            if (line.GetValue(hub.Json))
            {
                terminal.WriteJson(new FeedbackPage { Reports = all, NextCursor = more }, HubJson.Default.FeedbackPage);
            }
            else
            {
                if (all.Length > 0)
                {
                    terminal.Console.Write(View(all));
                }
                terminal.WriteLine(Pages.Sum(all.Length, "report", "reports", more));
            }
            return all.Length > 0 ? ExitCode.Done : ExitCode.Nothing;
        });
        return reports;
    }

    private static Command Reset(Terminal terminal, HubOptions hub)
    {
        Argument<string> id = Miner();
        var reset = new Command("reset", "Forget what feedback taught of a miner, and end its ejection.") { id };
        reset.SetAction(async (line, cancel) =>
        {
            using HubConnection connection = hub.Connect(line);
            TrustResetResponse done = await connection.Admin().ResetTrustAsync(line.GetValue(id)!, cancel);
            if (line.GetValue(hub.Json))
            {
                terminal.WriteJson(done, HubJson.Default.TrustResetResponse);
            }
            else
            {
                terminal.WriteLine(FormattableString.Invariant($"trust of {done.MinerId} is {done.TrustScore:0.000}, as of a miner that nobody knows"));
            }
            return ExitCode.Done;
        });
        return reset;
    }

    private static Table View(FeedbackView[] reports)
    {
        Table table = new Table().Border(TableBorder.Rounded)
            .AddColumn("at")
            .AddColumn("coordinator")
            .AddColumn("job")
            .AddColumn("outcome")
            .AddColumn("counts")
            .AddColumn(new TableColumn("ms").RightAligned())
            .AddColumn("fail code")
            .AddColumn(new TableColumn("tokens").RightAligned());
        foreach (FeedbackView report in reports)
        {
            table.AddRow(
                report.At.UtcDateTime.ToString("u", CultureInfo.InvariantCulture),
                Markup.Escape(report.Coordinator),
                Markup.Escape(report.JobId),
                Markup.Escape(report.Outcome),
                report.Matched ? "yes" : "no: unmatched",
                report.LatencyMs?.ToString(CultureInfo.InvariantCulture) ?? "–",
                Markup.Escape(report.FailCode ?? "–"),
                report.TokensSpent?.ToString() ?? "–");
        }
        return table;
    }

    private static Argument<string> Miner() => new("id") { Description = "The miner." };
}

using System.Globalization;
using PoolHub.Protocol.Http;
using Spectre.Console;

namespace PoolHub.Cli.Match;

/// <summary>Why a match does not find one miner, for a person.</summary>
internal static class WhyNotView
{
    public static void Write(IAnsiConsole console, WhyNotResponse response)
    {
        if (response.Failed.Length > 0)
        {
            console.Write(Failed(response));
        }
        else if (response is { Miner: { } miner, Winner: { } winner })
        {
            console.Write(Beside(response, miner, winner));
        }
        console.MarkupLineInterpolated($"[dim]why[/]   {response.Text}");
        string basis = response.Basis == "now" ? "evaluated now" : "as that match saw it";
        console.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"[dim]as of[/] {response.EvaluatedAt:u}, {basis}");
    }

    private static Table Failed(WhyNotResponse response)
    {
        Table table = new Table().Border(TableBorder.Rounded)
            .Title($"{Markup.Escape(response.MinerId)} fails")
            .AddColumn("clause")
            .AddColumn("has")
            .AddColumn("wanted");
        foreach (FailedClause failed in response.Failed)
        {
            table.AddRow(
                $"[red]{Markup.Escape(failed.Clause)}[/]", Markup.Escape(failed.Value.ToString()), Markup.Escape(failed.Wanted.ToString()));
        }
        return table;
    }

    /// <summary>The contributions of the miner, those of the winner, and what lies between.</summary>
    private static Table Beside(WhyNotResponse response, Candidate miner, Candidate winner)
    {
        Table table = new Table().Border(TableBorder.Rounded)
            .Title($"{Markup.Escape(miner.MinerId)}: place {Number(response.Rank, "0")} of {Number(response.Passing, "0")}")
            .AddColumn("term")
            .AddColumn(new TableColumn("× weight").RightAligned())
            .AddColumn(new TableColumn($"{Markup.Escape(miner.MinerId)} norm").RightAligned())
            .AddColumn(new TableColumn("= contribution").RightAligned())
            .AddColumn(new TableColumn($"{Markup.Escape(winner.MinerId)} norm").RightAligned())
            .AddColumn(new TableColumn("= contribution").RightAligned())
            .AddColumn(new TableColumn("behind by").RightAligned());
        foreach ((ScoreTerm own, ScoreTerm best) in (miner.Breakdown ?? []).Zip(winner.Breakdown ?? []))
        {
            table.AddRow(
                Markup.Escape(own.Term),
                Number(own.Weight, "0.00##"),
                Number(own.Norm, "0.0000"),
                Number(own.Contribution, "0.0000"),
                Number(best.Norm, "0.0000"),
                Number(best.Contribution, "0.0000"),
                Number(best.Contribution - own.Contribution, "0.0000"));
        }
        return table.AddRow(
            "[bold]score[/]", "", "", $"[bold]{Number(miner.Score, "0.0000")}[/]", "",
            $"[bold]{Number(winner.Score, "0.0000")}[/]", $"[bold]{Number(winner.Score - miner.Score, "0.0000")}[/]");
    }

    private static string Number(double? value, string format) => value?.ToString(format, CultureInfo.InvariantCulture) ?? "–";
}

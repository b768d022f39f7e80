using System.Globalization;
using PoolHub.Protocol.Http;
using Spectre.Console;

namespace PoolHub.Cli.Match;

/// <summary>An answer to a match, for a person.</summary>
internal static class MatchView
{
    /// <param name="breakdowns">Also how each candidate's score came about, term by term.</param>
    public static void Write(IAnsiConsole console, MatchResponse response, bool breakdowns)
    {
        if (response.Candidates.Length > 0)
        {
            console.Write(Candidates(response.Candidates));
        }
        else
        {
            console.MarkupLine("[yellow]No candidates.[/]");
        }
        console.MarkupLineInterpolated($"[dim]why[/]   {response.Explain}");
        console.MarkupLine($"[dim]left[/]  {Clauses(response.Clauses)}");
        if (response.Candidates is [{ HoldExpiresInMs: { } holdMs }, ..])
        {
            console.MarkupLineInterpolated($"[dim]held[/]  for {holdMs} ms");
        }
        console.MarkupLineInterpolated($"[dim]match[/] {response.MatchId}");
        foreach (Candidate candidate in breakdowns ? response.Candidates : [])
        {
            if (candidate.Breakdown is { } terms)
            {
                console.WriteLine();
                console.Write(Breakdown(candidate, terms));
            }
        }
    }

    /// <summary>A column for each term of the score: its weight in the head, its norm in the row.</summary>
    private static Table Candidates(Candidate[] candidates)
    {
        ScoreTerm[] terms = candidates[0].Breakdown ?? [];
        Table table = new Table().Border(TableBorder.Rounded)
            .AddColumn(new TableColumn("#").RightAligned())
            .AddColumn("miner")
            .AddColumn(new TableColumn("[bold]score[/]").RightAligned());
        foreach (ScoreTerm term in terms)
        {
            table.AddColumn(new TableColumn($"{Markup.Escape(term.Term)} [dim]×{Number(term.Weight, "0.##")}[/]").RightAligned());
        }
        table.AddColumn(new TableColumn("price").RightAligned())
            .AddColumn(new TableColumn("eta ms").RightAligned())
            .AddColumn("address");
        for (int i = 0; i < candidates.Length; i++)
        {
            Candidate candidate = candidates[i];
            List<string> row =
            [
                Number(i + 1, "0"),
                Markup.Escape(candidate.MinerId) + (candidate.Degraded is true ? " [yellow]degraded[/]" : ""),
                $"[bold green]{Number(candidate.Score, "0.000")}[/]",
            ];
            row.AddRange(terms.Select(term => Number(
                candidate.Breakdown?.FirstOrDefault(own => own.Term == term.Term)?.Norm, "0.00")));
            row.Add(candidate.Price.ToString());
            row.Add(Number(candidate.EtaMs, "0"));
            row.Add(Markup.Escape($"{candidate.Proto}://{candidate.Addr}"));
            table.AddRow([.. row]);
        }
        return table;
    }

    private static Table Breakdown(Candidate candidate, ScoreTerm[] terms)
    {
        Table table = new Table().Border(TableBorder.Rounded)
            .Title($"{Markup.Escape(candidate.MinerId)}: score {Number(candidate.Score, "0.0000")}")
            .AddColumn("term")
            .AddColumn(new TableColumn("raw").RightAligned())
            .AddColumn(new TableColumn("norm").RightAligned())
            .AddColumn(new TableColumn("× weight").RightAligned())
            .AddColumn(new TableColumn("= contribution").RightAligned());
        foreach (ScoreTerm term in terms)
        {
            table.AddRow(
                Markup.Escape(term.Term),
                Number(term.Raw, "0.####"),
                Number(term.Norm, "0.0000"),
                Number(term.Weight, "0.00##"),
                Number(term.Contribution, "0.0000"));
        }
        return table;
    }

    /// <summary>How many miners each clause left, the one that left nobody in red.</summary>
    private static string Clauses(ClauseCount[] clauses) => string.Join(
        " → ",
        clauses.Select(clause => string.Create(
            CultureInfo.InvariantCulture,
            $"{Markup.Escape(clause.Clause)} {(clause.Left == 0 ? "[red]0[/]" : $"[bold]{clause.Left}[/]")}")));

    private static string Number(double? value, string format) =>
        value?.ToString(format, CultureInfo.InvariantCulture) ?? "[dim]–[/]";
}

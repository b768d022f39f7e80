using System.Globalization;
using PoolHub.Protocol.Http;
using Spectre.Console;

namespace PoolHub.Cli.Match;

/// <summary>What the clauses of a request do to the fleet, for a person.</summary>
internal static class ExplainView
{
    public static void Write(IAnsiConsole console, ExplainResponse response)
    {
        console.Write(Clauses(response.Clauses));
        if (response.Relaxations.Length > 0)
        {
            console.Write(Relaxations(response.Relaxations));
        }
        console.MarkupLineInterpolated($"[dim]why[/]   {response.Text}");
    }

    private static Table Clauses(ExplainedClause[] clauses)
    {
        Table table = new Table().Border(TableBorder.Rounded)
            .AddColumn("clause")
            .AddColumn("wanted")
            .AddColumn(new TableColumn("left").RightAligned())
            .AddColumn(new TableColumn("kept out alone").RightAligned());
        foreach (ExplainedClause clause in clauses)
        {
            table.AddRow(
                Markup.Escape(clause.Clause),
                Markup.Escape(clause.Wanted.ToString()),
                clause.Left == 0 ? "[red]0[/]" : Number(clause.Left),
                clause.Alone == 0 ? "[dim]0[/]" : $"[yellow]{Number(clause.Alone)}[/]");
        }
        return table;
    }

    /// <summary>What to ask for instead, and how many would pass.</summary>
    private static Table Relaxations(Relaxation[] relaxations)
    {
        Table table = new Table().Border(TableBorder.Rounded)
            .AddColumn("change one")
            .AddColumn("from")
            .AddColumn("to")
            .AddColumn(new TableColumn("would pass").RightAligned());
        foreach (Relaxation relaxation in relaxations)
        {
            table.AddRow(
                Markup.Escape(relaxation.Clause),
                Markup.Escape(relaxation.From.ToString()),
                relaxation.Wait is true ? "[dim]wait[/]" : Markup.Escape(relaxation.To?.ToString() ?? "any"),
                $"[bold green]{Number(relaxation.Found)}[/]");
        }
        return table;
    }

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);
}

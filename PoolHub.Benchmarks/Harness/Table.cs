namespace PoolHub.Benchmarks.Harness;

/// <summary>The one table that a run ends with.</summary>
internal static class Table
{
    private static readonly string[] s_head = ["what", "measured", "reference", "ratio", "budget", "ok"];

    public static void Write(TextWriter output, IEnumerable<(Figure Figure, Budget Budget, bool Ok)> rows)
    {
        List<string[]> lines = [s_head, .. rows.Select(row => Cells(row.Figure, row.Budget, row.Ok))];
        int[] widths = [.. Enumerable.Range(0, s_head.Length).Select(column => lines.Max(line => line[column].Length))];
        for (int i = 0; i < lines.Count; i++)
        {
            output.WriteLine(string.Join("  ", lines[i].Select((cell, column) =>
                column is 0 or 4 or 5 ? cell.PadRight(widths[column]) : cell.PadLeft(widths[column]))).TrimEnd());
            if (i == 0)
            {
                output.WriteLine(string.Join("  ", widths.Select(width => new string('-', width))));
            }
        }
    }

    private static string[] Cells(Figure figure, Budget budget, bool ok) =>
    [
        figure.Row,
        figure.Measured,
        figure.Reference,
        double.IsNaN(figure.Value) ? "" : $"{Units.Number(figure.Value)} {figure.Unit}",
        budget.ToString(),
        (figure.Skipped ? "-" : ok ? "ok" : "NO") + (figure.Fault is { } fault ? $" {fault}" : ""),
    ];
}

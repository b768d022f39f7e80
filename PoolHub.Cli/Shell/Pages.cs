using System.CommandLine;
using System.Globalization;

namespace PoolHub.Cli.Shell;

/// <summary>Lists that the hub gives page by page, of which a person asks for so many.</summary>
internal static class Pages
{
    /// <summary>What the hub gives in one page at most.</summary>
    private const int Size = 500;

    public static Option<int> Limit() => new("--limit") { Description = "How many at most.", HelpName = "count", DefaultValueFactory = _ => 50 };

    public static int CountOf(ParseResult line, Option<int> limit) =>
        line.GetValue(limit) is > 0 and var count ? count : throw CliException.Usage("--limit must be at least 1.");

    /// <summary>As many pages as it takes, and where the next would begin.</summary>
    public static async Task<(T[] All, string? More)> TakeAsync<T>(int limit, Func<int, string?, Task<(T[] Page, string? Next)>> read)
    {
        List<T> all = [];
        string? cursor = null;
        do
        {
            (T[] page, cursor) = await read(Math.Min(Size, limit - all.Count), cursor);
            all.AddRange(page);
        }
        while (cursor is not null && all.Count < limit);
        return ([.. all], cursor);
    }

    /// <summary>The line under a list.</summary>
    public static string Sum(int count, string one, string many, string? more) =>
        $"{Counted(count, one, many)}{(more is null ? "" : "; there are more, see --limit")}";

    public static string Counted(int count, string one, string many) => string.Create(CultureInfo.InvariantCulture, $"{count} {(count == 1 ? one : many)}");
}

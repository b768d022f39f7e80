using System.CommandLine;
using System.Globalization;
using PoolHub.Cli.Shell;
using PoolHub.Protocol.Client;
using PoolHub.Protocol.Http;

namespace PoolHub.Cli.Keys;

/// <summary>What is known of the keys, and who changed them.</summary>
internal static class KeyLists
{
    /// <summary>What the hub gives in one page at most.</summary>
    private const int PageSize = 500;

    public static Command Keys(Terminal terminal, HubOptions hub, Option<bool> json)
    {
        Option<int> limit = Limit();
        var list = new Command("list", "List who has a key, since when, and when it was last used. Exit code 3 when there is none.") { limit };
        list.SetAction(async (line, cancel) =>
        {
            using HubConnection connection = hub.Connect(line);
            AdminClient admin = connection.Admin();
            (List<KeyView> keys, string? more) = await TakeAsync(CountOf(line, limit), async (size, cursor) =>
            {
                KeyPage page = await admin.ListKeysAsync(size, cursor, cancel);
                return (page.Keys, page.NextCursor);
            });
            if (line.GetValue(json))
            {
                terminal.WriteJson(new KeyPage { Keys = [.. keys], NextCursor = more }, HubJson.Default.KeyPage);
            }
            else if (keys.Count == 0)
            {
                terminal.WriteLine("No miner has a key.");
            }
            else
            {
                terminal.Console.Write(KeyViews.Keys(keys));
                terminal.WriteLine(Sum(keys.Count, "miners", more));
            }
            return keys.Count > 0 ? ExitCode.Done : ExitCode.Nothing;
        });
        return list;
    }

    public static Command Log(Terminal terminal, HubOptions hub, Option<bool> json)
    {
        var id = new Argument<string?>("id") { Description = "Only what was done to this miner.", Arity = ArgumentArity.ZeroOrOne };
        Option<int> limit = Limit();
        var log = new Command("log", "Show who changed keys and prices and who sent commands, the newest first. Exit code 3 when nobody did.") { id, limit };
        log.SetAction(async (line, cancel) =>
        {
            using HubConnection connection = hub.Connect(line);
            AdminClient admin = connection.Admin();
            (List<AuditView> entries, string? more) = await TakeAsync(CountOf(line, limit), async (size, cursor) =>
            {
                AuditPage page = await admin.ListAuditAsync(line.GetValue(id), size, cursor, cancel);
                return (page.Entries, page.NextCursor);
            });
            if (line.GetValue(json))
            {
                terminal.WriteJson(new AuditPage { Entries = [.. entries], NextCursor = more }, HubJson.Default.AuditPage);
            }
            else if (entries.Count == 0)
            {
                terminal.WriteLine("Nothing was changed.");
            }
            else
            {
                terminal.Console.Write(KeyViews.Log(entries));
                terminal.WriteLine(Sum(entries.Count, "entries", more));
            }
            return entries.Count > 0 ? ExitCode.Done : ExitCode.Nothing;
        });
        return log;
    }

    private static Option<int> Limit() => new("--limit") { Description = "How many at most.", HelpName = "count", DefaultValueFactory = _ => 50 };

    private static int CountOf(ParseResult line, Option<int> limit) =>
        line.GetValue(limit) is > 0 and var count ? count : throw CliException.Usage("--limit must be at least 1.");

    /// <summary>As many pages as it takes, and where the next would begin.</summary>
    private static async Task<(List<T> All, string? More)> TakeAsync<T>(int limit, Func<int, string?, Task<(T[] Page, string? Next)>> read)
    {
        List<T> all = [];
        string? cursor = null;
        do
        {
            (T[] page, cursor) = await read(Math.Min(PageSize, limit - all.Count), cursor);
            all.AddRange(page);
        }
        while (cursor is not null && all.Count < limit);
        return (all, cursor);
    }

    private static string Sum(int count, string what, string? more) =>
        string.Create(CultureInfo.InvariantCulture, $"{count} {what}{(more is null ? "" : "; there are more, see --limit")}");
}

using System.CommandLine;
using PoolHub.Cli.Shell;
using PoolHub.Protocol.Client;
using PoolHub.Protocol.Http;

namespace PoolHub.Cli.Keys;

/// <summary>What is known of the keys, and who changed them.</summary>
internal static class KeyLists
{
    public static Command Keys(Terminal terminal, HubOptions hub)
    {
        Option<int> limit = Pages.Limit();
        var list = new Command("list", "List who has a key, since when, and when it was last used. Exit code 3 when there is none.") { limit };
        list.SetAction(async (line, cancel) =>
        {
            using HubConnection connection = hub.Connect(line);
            AdminClient admin = connection.Admin();
            (KeyView[] keys, string? more) = await Pages.TakeAsync(Pages.CountOf(line, limit), async (size, cursor) =>
            {
                KeyPage page = await admin.ListKeysAsync(size, cursor, cancel);
                return (page.Keys, page.NextCursor);
            });
            if (line.GetValue(hub.Json))
            {
                terminal.WriteJson(new KeyPage { Keys = keys, NextCursor = more }, HubJson.Default.KeyPage);
            }
            else if (keys.Length == 0)
            {
                terminal.WriteLine("No miner has a key.");
            }
            else
            {
                terminal.Console.Write(KeyViews.Keys(keys));
                terminal.WriteLine(Pages.Sum(keys.Length, "miner", "miners", more));
            }
            return keys.Length > 0 ? ExitCode.Done : ExitCode.Nothing;
        });
        return list;
    }

    public static Command Log(Terminal terminal, HubOptions hub)
    {
        var id = new Argument<string?>("id") { Description = "Only what was done to this miner.", Arity = ArgumentArity.ZeroOrOne };
        Option<int> limit = Pages.Limit();
        var log = new Command("log", "Show who changed keys and prices and who sent commands, the newest first. Exit code 3 when nobody did.") { id, limit };
        log.SetAction(async (line, cancel) =>
        {
            using HubConnection connection = hub.Connect(line);
            AdminClient admin = connection.Admin();
            (AuditView[] entries, string? more) = await Pages.TakeAsync(Pages.CountOf(line, limit), async (size, cursor) =>
            {
                AuditPage page = await admin.ListAuditAsync(line.GetValue(id), size, cursor, cancel);
                return (page.Entries, page.NextCursor);
            });
            if (line.GetValue(hub.Json))
            {
                terminal.WriteJson(new AuditPage { Entries = entries, NextCursor = more }, HubJson.Default.AuditPage);
            }
            else if (entries.Length == 0)
            {
                terminal.WriteLine("Nothing was changed.");
            }
            else
            {
                terminal.Console.Write(KeyViews.Log(entries));
                terminal.WriteLine(Pages.Sum(entries.Length, "entry", "entries", more));
            }
            return entries.Length > 0 ? ExitCode.Done : ExitCode.Nothing;
        });
        return log;
    }
}

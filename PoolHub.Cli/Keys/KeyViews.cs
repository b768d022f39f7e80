using System.Globalization;
using PoolHub.Protocol.Http;
using Spectre.Console;

namespace PoolHub.Cli.Keys;

/// <summary>Keys and their log, for a person.</summary>
internal static class KeyViews
{
    public static Table Keys(IEnumerable<KeyView> keys)
    {
        Table table = new Table().Border(TableBorder.Rounded)
            .AddColumn("miner").AddColumn("key").AddColumn("issued").AddColumn("rotated").AddColumn("last used");
        foreach (KeyView key in keys)
        {
            string state = key switch
            {
                { RevokedAt: { } at } => $"[red]revoked {Time(at)}[/]",
                { Valid: false } => "none",
                { OldKeyUntil: { } until } => $"[yellow]valid, the old one until {Time(until)}[/]",
                _ => "[green]valid[/]",
            };
            table.AddRow(Markup.Escape(key.MinerId), state, Time(key.IssuedAt), Time(key.RotatedAt), Time(key.LastUsedAt));
        }
        return table;
    }

    public static Table Log(IEnumerable<AuditView> entries)
    {
        Table table = new Table().Border(TableBorder.Rounded)
            .AddColumn("when").AddColumn("who").AddColumn("from").AddColumn("did").AddColumn("to").AddColumn("detail");
        foreach (AuditView entry in entries)
        {
            table.AddRow(
                Time(entry.At), Markup.Escape(entry.Who), Markup.Escape(entry.Address ?? "–"), Markup.Escape(entry.Action),
                Markup.Escape(entry.MinerId ?? "–"), Markup.Escape(entry.Detail ?? "–"));
        }
        return table;
    }

    private static string Time(DateTimeOffset? at) => at?.ToString("u", CultureInfo.InvariantCulture) ?? "–";
}

using System.Globalization;
using PoolHub.Protocol.Http;
using Spectre.Console;

namespace PoolHub.Cli.Miners;

/// <summary>Miners as the hub knows them, for a person.</summary>
internal static class MinersView
{
    public static Table Many(IEnumerable<MinerSnapshot> miners)
    {
        Table table = new Table().Border(TableBorder.Rounded)
            .AddColumn("miner")
            .AddColumn("state")
            .AddColumn("via")
            .AddColumn("card")
            .AddColumn(new TableColumn("GB").RightAligned())
            .AddColumn("region")
            .AddColumn(new TableColumn("price").RightAligned())
            .AddColumn(new TableColumn("queue").RightAligned())
            .AddColumn(new TableColumn("rtt ms").RightAligned())
            .AddColumn(new TableColumn("trust").RightAligned());
        foreach (MinerSnapshot miner in miners)
        {
            table.AddRow(
                Markup.Escape(miner.MinerId),
                State(miner),
                Markup.Escape(miner.Transport ?? "–"),
                Markup.Escape(miner.GpuName),
                Number(miner.GpuVramGb, "0.#"),
                Markup.Escape(miner.Region),
                miner.PriceOverride is { } set ? $"{set.PriceTokenPerKsec} (admin)" : miner.PriceTokenPerKsec.ToString(),
                string.Create(CultureInfo.InvariantCulture, $"{miner.QueueLen}/{miner.MaxParallel}"),
                Number(miner.RttMs, "0.0"),
                Number(miner.TrustScore, "0.00"));
        }
        return table;
    }

    public static Grid One(MinerSnapshot miner)
    {
        Grid grid = new Grid().AddColumn(new GridColumn().NoWrap().PadRight(3)).AddColumn();
        void Row(string name, string markup) => grid.AddRow($"[dim]{name}[/]", markup);
        Row("miner", $"[bold]{Markup.Escape(miner.MinerId)}[/]");
        Row("state", $"{State(miner)} via {Markup.Escape(miner.Transport ?? "no open session")}");
        Row("address", Markup.Escape($"{miner.Proto}://{miner.Addr}"));
        Row("card", $"{Markup.Escape(miner.GpuName)}, {Number(miner.GpuVramGb, "0.#")} GB, {List(miner.Accel)}");
        Row("machine", $"{Number(miner.CpuCores, "0")} cores, {Number(miner.RamGb, "0.#")} GB");
        Row("region", Markup.Escape(miner.Region));
        Row("owner", miner.Owner.Length > 0 ? Markup.Escape(miner.Owner) : "–");
        Row("price", Price(miner));
        string held = miner.Held > 0 ? string.Create(CultureInfo.InvariantCulture, $", {miner.Held} held") : "";
        Row("queue", $"{miner.QueueLen} of {miner.MaxParallel}{held}{(miner.Busy ? ", busy" : "")}");
        Row("latency", $"{Number(miner.RttMs, "0.0")} ms round trip, {Number(miner.AvgLatencyMs, "0")} ms a job as it claims");
        Row("health", $"{Number(miner.TempC, "0")} °C, {Number(miner.MemFreeGb, "0.#")} GB of GPU memory free");
        Row("trust", Number(miner.TrustScore, "0.000"));
        Row("tags", List(miner.Tags));
        Row("capabilities", List(miner.Capabilities));
        Row("last seen", miner.LastSeenAt?.ToString("u", CultureInfo.InvariantCulture) ?? "never");
        return grid;
    }

    /// <summary>The hub leaves out what an admin set for a time that is over: its clock decides, not ours.</summary>
    private static string Price(MinerSnapshot miner)
    {
        if (miner.PriceOverride is not { } set)
        {
            return $"{miner.PriceTokenPerKsec} tokens per 1,000 s";
        }
        string until = set.EndsAt is { } end ? string.Create(CultureInfo.InvariantCulture, $" until {end.UtcDateTime:u}") : "";
        return $"{set.PriceTokenPerKsec} tokens per 1,000 s by an admin{until}, its own {miner.PriceTokenPerKsec}";
    }

    private static string State(MinerSnapshot miner)
    {
        string state = miner.State switch
        {
            "online" => "[green]online[/]",
            "degraded" => "[yellow]degraded[/]",
            _ => $"[red]{Markup.Escape(miner.State)}[/]",
        };
        string draining = miner.Draining ? ", draining" : "";
        string ejected = miner.EjectedForSec is { } sec ? string.Create(CultureInfo.InvariantCulture, $", ejected {sec} s") : "";
        return state + draining + ejected;
    }

    private static string List(string[] terms) => terms.Length > 0 ? Markup.Escape(string.Join(", ", terms)) : "–";

    private static string Number(double? value, string format) => value?.ToString(format, CultureInfo.InvariantCulture) ?? "–";
}

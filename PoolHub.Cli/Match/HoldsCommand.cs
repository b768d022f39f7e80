using System.CommandLine;
using System.Globalization;
using PoolHub.Cli.Shell;
using PoolHub.Protocol.Client;
using PoolHub.Protocol.Http;
using Spectre.Console;

namespace PoolHub.Cli.Match;

/// <summary><c>poolhub holds</c>: which slots are held, and giving them back.</summary>
internal static class HoldsCommand
{
    public static Command Create(Terminal terminal, HubOptions hub)
    {
        var command = new CommandWithExamples(
            "holds",
            "Show which slots matches hold, or give some back. Needs the admin token, or with --own the coordinator secret. Exit code 3 when there are none.",
            "poolhub holds",
            "poolhub holds --own --miner rig-1 --json",
            "poolhub holds release --job 7f3a",
            "poolhub holds release --miner rig-1 --coordinator alice");
        var which = new Which();
        Option<int> limit = Pages.Limit();
        which.AddTo(command);
        command.Add(limit);
        command.Add(hub.Json);
        command.Add(Release(terminal, hub));
        command.SetAction(async (line, cancel) =>
        {
            int count = Pages.CountOf(line, limit);
            using HubConnection connection = hub.Connect(line);
            ReleaseHoldsRequest asked = which.Read(line);
            Func<int, string?, Task<HoldPage>> list = which.IsOwn(line)
                ? (size, cursor) => connection.Coordinator().ListHoldsAsync(asked, size, cursor, cancel)
                : (size, cursor) => connection.Admin().ListHoldsAsync(asked, size, cursor, cancel);
            (HoldView[] holds, string? more) = await Pages.TakeAsync(count, async (size, cursor) =>
            {
                HoldPage page = await list(size, cursor);
                return (page.Holds, page.NextCursor);
            });
            if (line.GetValue(hub.Json))
            {
                terminal.WriteJson(new HoldPage { Holds = holds, NextCursor = more }, HubJson.Default.HoldPage);
            }
            else if (holds.Length == 0)
            {
                terminal.WriteLine("nothing is held");
            }
            else
            {
                terminal.Console.Write(View(holds));
                terminal.WriteLine(Pages.Sum(holds.Length, "slot is held", "slots are held", more));
            }
            return holds.Length > 0 ? ExitCode.Done : ExitCode.Nothing;
        });
        return command;
    }

    private static Command Release(Terminal terminal, HubOptions hub)
    {
        var which = new Which();
        var release = new Command("release", "Give back what fits: of a job, on a miner, of a match, or all of these together.");
        which.AddTo(release);
        release.Add(hub.Json);
        release.SetAction(async (line, cancel) =>
        {
            ReleaseHoldsRequest asked = which.Read(line);
            if (asked is { JobId: null, MinerId: null, MatchId: null })
            {
                throw CliException.Usage("say which with --job, --miner or --match.");
            }
            using HubConnection connection = hub.Connect(line);
            int released = which.IsOwn(line)
                ? await connection.Coordinator().ReleaseHoldsAsync(asked, cancel)
                : (await connection.Admin().ReleaseHoldsAsync(asked, cancel)).Released;
            if (line.GetValue(hub.Json))
            {
                terminal.WriteJson(new ReleaseResponse { Released = released }, HubJson.Default.ReleaseResponse);
            }
            else
            {
                terminal.WriteLine(Pages.Counted(released, "slot is free again", "slots are free again"));
            }
            return released > 0 ? ExitCode.Done : ExitCode.Nothing;
        });
        return release;
    }

    private static Table View(HoldView[] holds)
    {
        Table table = new Table().Border(TableBorder.Rounded)
            .AddColumn("miner")
            .AddColumn("job")
            .AddColumn("match")
            .AddColumn("coordinator")
            .AddColumn(new TableColumn("price").RightAligned())
            .AddColumn(new TableColumn("ends in ms").RightAligned());
        foreach (HoldView hold in holds)
        {
            table.AddRow(
                Markup.Escape(hold.MinerId),
                Markup.Escape(hold.JobId),
                hold.MatchId,
                Markup.Escape(hold.Coordinator ?? "–"),
                hold.Price.Tokens.ToString(CultureInfo.InvariantCulture),
                hold.HoldExpiresInMs.ToString(CultureInfo.InvariantCulture));
        }
        return table;
    }

    /// <summary>The options that say which holds are meant, and whose.</summary>
    private sealed class Which
    {
        private readonly Option<string?> _job = new("--job") { Description = "Only those of this job.", HelpName = "id" };
        private readonly Option<string?> _miner = new("--miner") { Description = "Only those on this miner.", HelpName = "id" };
        private readonly Option<string?> _match = new("--match") { Description = "Only those of this match.", HelpName = "id" };
        private readonly Option<string?> _coordinator = new("--coordinator") { Description = "Only those of this coordinator.", HelpName = "name" };
        private readonly Option<bool> _own = new("--own") { Description = "Ask as a coordinator, for one's own." };

        public void AddTo(Command command)
        {
            foreach (Option option in (Option[])[_job, _miner, _match, _coordinator, _own])
            {
                command.Add(option);
            }
        }

        public bool IsOwn(ParseResult line) => line.GetValue(_own);

        public ReleaseHoldsRequest Read(ParseResult line) => new()
        {
            JobId = line.GetValue(_job),
            MinerId = line.GetValue(_miner),
            MatchId = line.GetValue(_match),
            Coordinator = line.GetValue(_coordinator),
        };
    }
}

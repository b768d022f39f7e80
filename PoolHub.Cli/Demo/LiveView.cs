using System.Diagnostics;
using System.Globalization;
using PoolHub.Cli.Shell;
using PoolHub.Protocol.Client;
using PoolHub.Protocol.Http;
using Spectre.Console;

namespace PoolHub.Cli.Demo;

/// <summary>What goes on at the hub, until Ctrl-C: a match every second and who won it.</summary>
internal sealed class LiveView(Terminal terminal, DaemonProcess daemon)
{
    private const int ShownMatches = 8;

    private readonly CoordinatorClient _coordinator = daemon.Hub.Coordinator();
    private readonly Queue<string[]> _recent = new();
    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private int _asked;

    public async Task RunAsync(CancellationToken stop)
    {
        terminal.Console.WriteLine();
        terminal.WriteLine($"The hub stays at {daemon.Hub.Address.Http}, miners come and go; Ctrl-C ends it.");
        if (terminal.IsLive)
        {
            await terminal.Console.Live(new Text("")).StartAsync(live => AskAsync(live.UpdateTarget, stop));
        }
        else
        {
            await AskAsync(null, stop);
        }
    }

    private async Task AskAsync(Action<Table>? show, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                DemoMatch match = DemoMatch.All[_asked % DemoMatch.All.Length];
                var took = Stopwatch.StartNew();
                MatchResponse answer = await _coordinator.MatchAsync(
                    match.Request with { JobId = Guid.NewGuid().ToString() }, stop);
                double ms = took.Elapsed.TotalMilliseconds;
                _asked++;
                HealthResponse health = await daemon.Hub.Health().HealthAsync(stop);
                Note(match, answer, ms);
                string state = string.Create(
                    CultureInfo.InvariantCulture,
                    $"{health.OnlineMiners} online  {health.DegradedMiners} degraded  "
                    + $"{_asked / _watch.Elapsed.TotalSeconds:0.0} matches/s  {daemon.ResidentKb / 1024.0:0} MB");
                if (show is null)
                {
                    terminal.WriteLine($"{state}  best: {string.Join(' ', _recent.Last().Skip(1))}");
                }
                else
                {
                    show(Draw(state));
                }
            }
            catch (HubException) when (stop.IsCancellationRequested)
            {
                // Ctrl-C reaches the hub too.
            }
            catch (OperationCanceledException)
            {
                return;
            }
            await Task.Delay(1000, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private void Note(DemoMatch match, MatchResponse answer, double ms)
    {
        Candidate? best = answer.Candidates.FirstOrDefault();
        _recent.Enqueue(
        [
            match.Job,
            best?.MinerId ?? "nobody",
            best is null ? "–" : best.Score.ToString("0.000", CultureInfo.InvariantCulture),
            best is null ? "–" : best.Price.ToString(),
            string.Create(CultureInfo.InvariantCulture, $"{ms:0.0} ms"),
        ]);
        if (_recent.Count > ShownMatches)
        {
            _ = _recent.Dequeue();
        }
    }

    private Table Draw(string state)
    {
        Table table = new Table().Border(TableBorder.Rounded).Title(Markup.Escape(state))
            .AddColumns("job", "best miner", "score", "price", "took");
        foreach (string[] row in _recent)
        {
            table.AddRow([.. row.Select(Markup.Escape)]);
        }
        return table;
    }
}

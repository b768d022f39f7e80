using System.Globalization;
using PoolHub.Cli.Shell;
using Spectre.Console;

namespace PoolHub.Cli.Simulate;

/// <summary>Shows how a fleet does: drawn over on a terminal, else a line when something changed.</summary>
internal sealed class FleetDisplay(Terminal terminal, SimulatedFleet fleet)
{
    /// <summary>Without a terminal, a line at least so often.</summary>
    private const int QuietSec = 10;

    private FleetCounts _last;
    private long _lastAt = Environment.TickCount64;

    public async Task RunAsync(CancellationToken stop)
    {
        if (terminal.IsLive)
        {
            await terminal.Console.Live(new Text("")).AutoClear(true).StartAsync(async live =>
            {
                while (!stop.IsCancellationRequested)
                {
                    (FleetCounts counts, double beatsPerSec) = Measure();
                    live.UpdateTarget(new Markup(Line(counts, beatsPerSec, markup: true)));
                    await Pause(500, stop);
                }
            });
            return;
        }
        int quiet = QuietSec;
        int lastOnline = -1;
        while (!stop.IsCancellationRequested)
        {
            (FleetCounts counts, double beatsPerSec) = Measure();
            if (counts.Online != lastOnline || quiet >= QuietSec)
            {
                terminal.WriteLine(Line(counts, beatsPerSec, markup: false));
                (lastOnline, quiet) = (counts.Online, 0);
            }
            quiet++;
            await Pause(1000, stop);
        }
    }

    public static string Line(FleetCounts counts, double beatsPerSec, bool markup)
    {
        string online = string.Create(CultureInfo.InvariantCulture, $"{counts.Online}/{counts.Total} online");
        string shown = markup ? $"[{(counts.Online == counts.Total ? "green" : "yellow")}]{online}[/]" : online;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{shown}  {counts.Registered} registered  {beatsPerSec:0.0} heartbeats/s  "
            + $"{counts.Reconnects} reconnects  {counts.Errors} errors");
    }

    private (FleetCounts Counts, double BeatsPerSec) Measure()
    {
        FleetCounts counts = fleet.Count();
        long now = Environment.TickCount64;
        double seconds = Math.Max(0.001, (now - _lastAt) / 1000.0);
        double beatsPerSec = Math.Max(0, counts.Heartbeats - _last.Heartbeats) / seconds;
        (_last, _lastAt) = (counts, now);
        return (counts, beatsPerSec);
    }

    private static async Task Pause(int ms, CancellationToken stop) =>
        await Task.Delay(ms, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
}

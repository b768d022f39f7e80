using System.Diagnostics;
using System.Globalization;
using PoolHub.Cli.Match;
using PoolHub.Cli.Simulate;
using PoolHub.Protocol.Client;
using PoolHub.Protocol.Http;
using Spectre.Console;

namespace PoolHub.Cli.Demo;

/// <summary>The steps of the demo, in their order.</summary>
internal sealed class DemoStory(Narrator narrator, DaemonProcess daemon, SimulatedFleet fleet, FleetMiner[] miners, CancellationToken cancel)
{
    private const int Failures = 4;

    private readonly Dictionary<string, FleetMiner> _byId = miners.ToDictionary(miner => miner.MinerId);
    private readonly CoordinatorClient _coordinator = daemon.Hub.Coordinator();
    private double _startMs;

    /// <summary>Few enough that the hub takes it for 20 broken machines and not for a broken network of its own.</summary>
    private int Victims => Math.Min(20, Math.Max(1, miners.Length / 12));

    private int Survivors => miners.Length - Victims;

    /// <summary>The miners at work; ends when they have said goodbye.</summary>
    public Task Running { get; private set; } = Task.CompletedTask;

    public async Task RunAsync(CancellationToken stopFleet)
    {
        bool started = await narrator.StepAsync(
            "Start the hub",
            $"A real poolhubd with an empty state directory; a miner's lease is {DaemonProcess.LeaseSec} s, its grace {DaemonProcess.GraceSec} s.",
            StartAsync);
        if (!started)
        {
            return;
        }
        Running = fleet.RunAsync(stopFleet);
        bool online = await narrator.StepAsync(
            $"Connect {miners.Length} miners",
            "Made-up GPU machines in nine regions: most over raw TCP, some over WebSocket, a few over plain HTTP.",
            ConnectAsync);
        if (!online)
        {
            return;
        }
        foreach (DemoMatch match in DemoMatch.All)
        {
            _ = await narrator.StepAsync(match.Job, $"poolhub match {match.Flags}", () => MatchAsync(match));
        }
        _ = await narrator.StepAsync(
            "A miner fails, and loses trust",
            $"The best miner for the images is reported as failed for {Failures} different jobs; the same question is asked after each.",
            FailAsync);
        _ = await narrator.StepAsync(
            $"{Victims} miners lose their power",
            "No goodbye: at first the hub only doubts them (degraded), and after the grace they are gone.",
            VanishAsync);
        _ = await narrator.StepAsync(
            "The hub is killed and comes back",
            "kill -9, then a new process on the same state directory. A restart is not an outage.",
            RestartAsync);
        _ = await narrator.StepAsync("What it costs", "One native program, no runtime beside it.", CostAsync);
    }

    private async Task<string> StartAsync()
    {
        _startMs = await daemon.StartAsync(cancel);
        return Invariant($"it answers {_startMs:0} ms after its start, at {daemon.Hub.Address.Http.Authority}");
    }

    private async Task<string> ConnectAsync()
    {
        TimeSpan took = await narrator.UntilAsync(
            "miners online", TimeSpan.FromSeconds(20), () => AreOnlineAsync(miners.Length), cancel);
        string ways = string.Join(", ", miners.CountBy(miner => miner.Transport).OrderBy(way => way.Key).Select(
            way => Invariant($"{way.Value} over {Name(way.Key)}")));
        return Invariant($"all {miners.Length} online in {took.TotalSeconds:0.0} s: {ways}");
    }

    private async Task<string> MatchAsync(DemoMatch match)
    {
        var watch = Stopwatch.StartNew();
        MatchResponse answer = await _coordinator.MatchAsync(match.Request, cancel);
        double ms = watch.Elapsed.TotalMilliseconds;
        MatchView.Write(narrator.Console, answer, breakdowns: false);
        return match.FindFault(answer, _byId) is { } fault
            ? throw new NotSoException(fault)
            : Invariant($"{answer.Candidates.Length} candidates in {ms:0.0} ms, best {answer.Candidates[0].MinerId} with {answer.Candidates[0].Score:0.000}");
    }

    private async Task<string> FailAsync()
    {
        // Queues stand still meanwhile, so that only the trust moves the score.
        fleet.IsPaused = true;
        MatchRequest request = DemoMatch.All[0].Request with { TopK = 100 };
        MatchResponse before = await _coordinator.MatchAsync(request, cancel);
        Candidate best = before.Candidates.FirstOrDefault() ?? throw new NotSoException("nobody was found");
        var table = new Table().Border(TableBorder.Rounded)
            .AddColumns("after", "trust", "score", "place");
        table.AddRow(Markup.Escape($"{best.MinerId} as it was"), Raw(best, "trust"), Invariant($"{best.Score:0.0000}"), "1");
        List<double> trusts = [];
        Candidate? now = best;
        for (int i = 1; i <= Failures && now is not null; i++)
        {
            string job = Invariant($"demo-failed-{i}");
            // Only what a match gave teaches trust.
            _ = await _coordinator.MatchAsync(request with { JobId = job }, cancel);
            FeedbackResponse told = await _coordinator.FeedbackAsync(
                new FeedbackRequest { JobId = job, MinerId = best.MinerId, Outcome = "failed", FailCode = "gpu_error" },
                cancel);
            trusts.Add(told.TrustScore);
            Candidate[] candidates = (await _coordinator.MatchAsync(request, cancel)).Candidates;
            int place = Array.FindIndex(candidates, candidate => candidate.MinerId == best.MinerId);
            now = place < 0 ? null : candidates[place];
            table.AddRow(
                Invariant($"failure {i}"),
                Invariant($"{told.TrustScore:0.000}"),
                now is null ? "–" : Invariant($"{now.Score:0.0000}"),
                now is null ? "not offered" : Invariant($"{place + 1}"));
        }
        narrator.Console.Write(table);
        fleet.IsPaused = false;
        if (!trusts.Zip(trusts.Skip(1)).All(pair => pair.Second < pair.First))
        {
            throw new NotSoException("the trust did not fall with every failure");
        }
        return now is { Score: var score } && score >= best.Score
            ? throw new NotSoException(Invariant($"its score went from {best.Score:0.0000} to {score:0.0000}"))
            : Invariant($"its trust fell to {trusts[^1]:0.000}, its score from {best.Score:0.000} to {now?.Score ?? 0:0.000}");
    }

    private async Task<string> VanishAsync()
    {
        string[] gone = await fleet.VanishAsync(Victims);
        var table = new Table().Border(TableBorder.Rounded).AddColumns("seconds", "online", "degraded");
        var watch = Stopwatch.StartNew();
        (int Online, int Degraded) last = (-1, -1);
        int mostDegraded = 0;
        TimeSpan took;
        try
        {
            took = await narrator.UntilAsync(
                "waiting for the grace to pass",
                TimeSpan.FromSeconds(DaemonProcess.GraceSec + 6),
                async () =>
                {
                    HealthResponse health = await daemon.Hub.Health().HealthAsync(cancel);
                    (int, int) counts = (health.OnlineMiners, health.DegradedMiners);
                    mostDegraded = Math.Max(mostDegraded, health.DegradedMiners);
                    if (counts != last)
                    {
                        table.AddRow(
                            Invariant($"{watch.Elapsed.TotalSeconds:0.0}"),
                            Invariant($"{health.OnlineMiners}"),
                            Invariant($"{health.DegradedMiners}"));
                        last = counts;
                    }
                    return (
                        health.OnlineMiners == Survivors && health.DegradedMiners == 0,
                        Invariant($"{health.OnlineMiners} online, {health.DegradedMiners} degraded"));
                },
                cancel);
        }
        finally
        {
            narrator.Console.Write(table);
        }
        AdminClient admin = daemon.Hub.Admin();
        foreach (string minerId in gone)
        {
            MinerSnapshot miner = await admin.GetMinerAsync(minerId, cancel);
            if (miner.State != "offline")
            {
                throw new NotSoException($"{minerId} is {miner.State}, and should be offline");
            }
        }
        return mostDegraded < Victims
            ? throw new NotSoException(Invariant($"only {mostDegraded} of {Victims} were ever degraded"))
            : Invariant($"{Victims} were degraded, then dropped {took.TotalSeconds:0.0} s after they vanished; {Survivors} stay online");
    }

    private async Task<string> RestartAsync()
    {
        await daemon.KillAsync();
        narrator.Say($"The hub is dead. A new one starts …");
        daemon.Start();
        DemoMatch match = DemoMatch.All[0];
        MatchResponse? answer = null;
        while (answer is null)
        {
            try
            {
                answer = await _coordinator.MatchAsync(match.Request, cancel);
            }
            catch (HubException) when (daemon.IsRunning && daemon.SinceStart.Elapsed < TimeSpan.FromSeconds(10))
            {
                await Task.Delay(2, cancel);
            }
        }
        double firstMs = daemon.SinceStart.Elapsed.TotalMilliseconds;
        MatchView.Write(narrator.Console, answer, breakdowns: false);
        if (match.FindFault(answer, _byId) is { } fault)
        {
            throw new NotSoException($"the first match after the restart: {fault}");
        }
        _ = await narrator.UntilAsync("miners back", TimeSpan.FromSeconds(20), () => AreOnlineAsync(Survivors), cancel);
        return Invariant($"the first match had {answer.Candidates.Length} candidates {firstMs:0} ms after the start; ")
            + Invariant($"all {Survivors} miners were back after {daemon.SinceStart.Elapsed.TotalSeconds:0.0} s");
    }

    private Task<string> CostAsync() => Task.FromResult(daemon.ResidentKb is { } kb
        ? Invariant($"{kb / 1024.0:0} MB resident with {Survivors} miners; it started in {_startMs:0} ms")
        : throw new NotSoException("the system does not say how much memory the hub holds"));

    private async Task<(bool Done, string Progress)> AreOnlineAsync(int wanted)
    {
        HealthResponse health = await daemon.Hub.Health().HealthAsync(cancel);
        if (fleet.FirstRefusal is { } why)
        {
            throw new NotSoException($"the hub refused a miner: {why}");
        }
        return (
            health.OnlineMiners == wanted && health.DegradedMiners == 0 && fleet.Count().Online == wanted,
            Invariant($"{health.OnlineMiners} of {wanted}"));
    }

    private static string Raw(Candidate candidate, string term) =>
        candidate.Breakdown?.FirstOrDefault(own => own.Term == term)?.Norm.ToString("0.000", CultureInfo.InvariantCulture) ?? "–";

    private static string Name(FleetTransport transport) => transport switch
    {
        FleetTransport.Tcp => "TCP",
        FleetTransport.Ws => "WebSocket",
        _ => "HTTP",
    };

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);
}

using System.Diagnostics;
using PoolHub.Cli.Shell;
using PoolHub.Protocol.Client;
using Spectre.Console;

namespace PoolHub.Cli.Demo;

/// <summary>Something that the demo promised and that is not so.</summary>
internal sealed class NotSoException : Exception
{
    public NotSoException()
    {
    }

    public NotSoException(string message)
        : base(message)
    {
    }

    public NotSoException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}

/// <summary>Tells the demo's story and keeps account of which steps held.</summary>
internal sealed class Narrator(Terminal terminal)
{
    private readonly List<(string Title, bool Held, string Outcome)> _steps = [];

    public IAnsiConsole Console => terminal.Console;
    public Terminal Terminal => terminal;

    public bool AllHeld => _steps.Count > 0 && _steps.TrueForAll(step => step.Held);

    public void Say(FormattableString text) => terminal.Console.MarkupLineInterpolated(text);

    /// <summary>Runs a step; what goes wrong in it is its outcome.</summary>
    /// <param name="act">Gives the outcome in a few words.</param>
    /// <returns>Whether it held.</returns>
    public async Task<bool> StepAsync(string title, string meaning, Func<Task<string>> act)
    {
        terminal.Console.WriteLine();
        terminal.Console.Write(new Rule($"[bold]{_steps.Count + 1}. {Markup.Escape(title)}[/]").LeftJustified());
        terminal.Console.MarkupLineInterpolated($"[dim]{meaning}[/]");
        bool held = false;
        string outcome;
        try
        {
            outcome = await act();
            held = true;
        }
        catch (Exception e) when (e is NotSoException or HubException or CliException)
        {
            outcome = e.Message;
        }
        _steps.Add((title, held, outcome));
        terminal.Console.MarkupLine($"{Mark(held)} {Markup.Escape(outcome)}");
        return held;
    }

    /// <summary>Waits for what must come true in time, and shows how far it is.</summary>
    /// <exception cref="NotSoException">It did not.</exception>
    public async Task<TimeSpan> UntilAsync(
        string what, TimeSpan deadline, Func<Task<(bool Done, string Progress)>> look, CancellationToken cancel)
    {
        var watch = Stopwatch.StartNew();
        string progress = "";
        bool done = false;
        async Task WaitAsync(Action<string> show)
        {
            while (!done && watch.Elapsed < deadline)
            {
                (done, progress) = await look();
                show($"{what}: {progress}");
                if (!done)
                {
                    await Task.Delay(100, cancel);
                }
            }
        }

        if (terminal.IsLive)
        {
            await terminal.Console.Status().StartAsync(
                Markup.Escape(what), context => WaitAsync(text => context.Status(Markup.Escape(text))));
        }
        else
        {
            await WaitAsync(static _ => { });
        }
        return done
            ? watch.Elapsed
            : throw new NotSoException(FormattableString.Invariant($"{what}: only {progress} after {deadline.TotalSeconds:0} s"));
    }

    public void SumUp(TimeSpan elapsed)
    {
        terminal.Console.WriteLine();
        Table table = new Table().Border(TableBorder.Rounded).AddColumn("").AddColumn("step").AddColumn("outcome");
        foreach ((string title, bool held, string outcome) in _steps)
        {
            table.AddRow(Mark(held), Markup.Escape(title), Markup.Escape(outcome));
        }
        terminal.Console.Write(table);
        int heldSteps = _steps.Count(step => step.Held);
        terminal.Console.MarkupLine(FormattableString.Invariant(
            $"{(AllHeld ? "[green]" : "[red]")}{heldSteps} of {_steps.Count} steps held[/] in {elapsed.TotalSeconds:0.0} s"));
    }

    private static string Mark(bool held) => held ? "[green]✓[/]" : "[red]✗[/]";
}

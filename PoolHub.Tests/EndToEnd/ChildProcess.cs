using System.Diagnostics;

namespace PoolHub.Tests.EndToEnd;

/// <summary>A program that runs beside the test, with none of the test's environment; its lines are kept.</summary>
internal sealed class ChildProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly Lock _lock = new();
    private readonly List<string> _output = [];
    private readonly List<string> _errors = [];

    private ChildProcess(Process process) => _process = process;

    public int Id => _process.Id;
    public bool HasExited => _process.HasExited;

    /// <summary>How long the processors worked for it.</summary>
    public TimeSpan ProcessorTime => _process.TotalProcessorTime;
    public string[] Output => Snapshot(_output);
    public string[] Errors => Snapshot(_errors);

    public static ChildProcess Start(
        string program, IEnumerable<string> arguments, params IEnumerable<(string Name, string Value)> environment)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardError = true, RedirectStandardOutput = true };
        start.Environment.Clear();
        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }
        var child = new ChildProcess(new Process { StartInfo = start });
        child._process.OutputDataReceived += (_, line) => child.Note(child._output, line.Data);
        child._process.ErrorDataReceived += (_, line) => child.Note(child._errors, line.Data);
        _ = child._process.Start();
        child._process.BeginOutputReadLine();
        child._process.BeginErrorReadLine();
        return child;
    }

    /// <summary>Writes a line to its standard input.</summary>
    public async Task SayAsync(string line)
    {
        await _process.StandardInput.WriteLineAsync(line);
        await _process.StandardInput.FlushAsync();
    }

    public void Send(Signal signal) => Assert.Equal(0, NativeMethods.Kill(Id, (int)signal));

    /// <summary>Waits for its end and gives its status.</summary>
    public async Task<int> ExitAsync()
    {
        await _process.WaitForExitAsync().WaitAsync(Eventually.Patience);
        return _process.ExitCode;
    }

    /// <summary>Waits for a line that holds the text.</summary>
    /// <param name="after">So many lines of stderr are passed over.</param>
    public async Task<string> LineAsync(string text, int after = 0)
    {
        var waited = Stopwatch.StartNew();
        while (true)
        {
            bool ended = HasExited;
            if (ended)
            {
                // Until then not all is read that it wrote before its end.
                await _process.WaitForExitAsync().WaitAsync(Eventually.Patience);
            }
            if (Errors.Skip(after).Concat(Output).FirstOrDefault(l => l.Contains(text, StringComparison.Ordinal)) is { } line)
            {
                return line;
            }
            Assert.False(
                ended || waited.Elapsed > Eventually.Patience,
                $"'{text}' was not said{(ended ? " before the end" : "")}:\n{string.Join('\n', Errors)}");
            await Task.Delay(2);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }
        _process.Dispose();
    }

    private void Note(List<string> lines, string? line)
    {
        if (line is not null)
        {
            lock (_lock)
            {
                lines.Add(line);
            }
        }
    }

    private string[] Snapshot(List<string> lines)
    {
        lock (_lock)
        {
            return [.. lines];
        }
    }
}

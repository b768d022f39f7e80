using System.Diagnostics;

namespace PoolHub.Benchmarks.Children;

/// <summary>
/// This program once more, as a process of its own: whoever loads the hub is not to be counted with it. It is told by
/// lines what to do, answers by lines, and ends when its input does.
/// </summary>
internal sealed class Child : IAsyncDisposable
{
    private readonly Process _process;

    private Child(Process process) => _process = process;

    /// <summary>Starts it and waits until it says that it is ready.</summary>
    /// <exception cref="IOException">It ended at once; it has said why on standard error.</exception>
    public static async Task<Child> StartAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        var child = new Child(Process.Start(start)!);
        await child.ExpectAsync("ready");
        return child;
    }

    public void Tell(string line)
    {
        _process.StandardInput.WriteLine(line);
        _process.StandardInput.Flush();
    }

    /// <summary>Its next line.</summary>
    public async Task<string> HearAsync() => await _process.StandardOutput.ReadLineAsync()
        ?? throw new IOException($"the child process '{_process.StartInfo.ArgumentList[0]}' ended before its work was done");

    public async Task ExpectAsync(string line)
    {
        string heard = await HearAsync();
        if (heard != line)
        {
            throw new IOException($"the child process '{_process.StartInfo.ArgumentList[0]}' said '{heard}' in place of '{line}'");
        }
    }

    /// <summary>The next line's numbers.</summary>
    public async Task<(long Count, double Seconds)> HearCountAsync()
    {
        string[] parts = (await HearAsync()).Split(' ');
        return (long.Parse(parts[0], null), double.Parse(parts[1], null));
    }

    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        try
        {
            await _process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            _process.Kill();
        }
        _process.Dispose();
    }
}

using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using PoolHub.Tests.EndToEnd;

namespace PoolHub.Tests.Attack;

/// <summary>A coordinator that asks for matches at an even pace, over a few connections that it keeps.</summary>
internal sealed class MatchPace(IPEndPoint hub, int perSec)
{
    private const int Connections = 4;

    private readonly Lock _gate = new();
    private double _lastMs;
    private double _gapMs;

    /// <summary>Every answer must be 200 and give somebody.</summary>
    public async Task<Latencies> RunAsync(TimeSpan duration, Func<bool>? goOn = null)
    {
        (_lastMs, _gapMs) = (0, 0);
        var since = Stopwatch.StartNew();
        var latencies = new List<double>[Connections];
        Task[] connections = [.. Enumerable.Range(0, Connections).Select(i => Task.Factory.StartNew(
            () => latencies[i] = Ask(i, duration, since, goOn), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default))];
        await Task.WhenAll(connections);
        return new Latencies([.. latencies.SelectMany(l => l).Order()]) { LongestGapMs = _gapMs };
    }

    /// <summary>Notes an answer, on whichever connection it came.</summary>
    private void Note(Stopwatch elapsed)
    {
        lock (_gate)
        {
            double atMs = elapsed.Elapsed.TotalMilliseconds;
            _gapMs = Math.Max(_gapMs, atMs - _lastMs);
            _lastMs = atMs;
        }
    }

    private List<double> Ask(int connection, TimeSpan duration, Stopwatch since, Func<bool>? goOn)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, ReceiveTimeout = 30_000 };
        socket.Connect(hub);
        using var pause = new ManualResetEventSlim();
        byte[] answer = new byte[65_536];
        List<double> latencies = [];
        double everyMs = 1_000.0 * Connections / perSec;
        var elapsed = Stopwatch.StartNew();
        for (int i = 0; elapsed.Elapsed < duration && goOn?.Invoke() != false; i++)
        {
            double dueMs = (i + ((double)connection / Connections)) * everyMs;
            double fromMs = elapsed.Elapsed.TotalMilliseconds;
            if (fromMs < dueMs)
            {
                _ = pause.Wait((int)Math.Ceiling(dueMs - fromMs));
                fromMs = elapsed.Elapsed.TotalMilliseconds;
            }
            else
            {
                // The answer before came late: whoever would have asked on time has waited since then.
                fromMs = dueMs;
            }
            string body = $$"""{"job_id":"job-{{connection}}-{{i}}","hints":{"region":"eu"},"top_k":3}""";
            Send(socket, Encoding.ASCII.GetBytes(
                $"POST /v1/match HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer {HubProcess.Secret}\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}"));
            string text = Receive(socket, answer);
            Assert.StartsWith("HTTP/1.1 200", text, StringComparison.Ordinal);
            Assert.Contains("\"candidates\":[{", text, StringComparison.Ordinal);
            Note(since);
            latencies.Add(elapsed.Elapsed.TotalMilliseconds - fromMs);
        }
        return latencies;
    }

    private static void Send(Socket socket, ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            bytes = bytes[socket.Send(bytes)..];
        }
    }

    private static string Receive(Socket socket, byte[] into)
    {
        const string Length = "Content-Length: ";
        int filled = 0;
        while (true)
        {
            int read = socket.Receive(into.AsSpan(filled));
            Assert.True(read > 0, "the hub closed the coordinator's connection");
            filled += read;
            string text = Encoding.UTF8.GetString(into, 0, filled);
            int head = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
            int length = text.IndexOf(Length, StringComparison.Ordinal);
            if (head >= 0 && length >= 0
                && filled >= head + 4 + int.Parse(text.AsSpan(length + Length.Length, text.IndexOf('\r', length) - length - Length.Length), CultureInfo.InvariantCulture))
            {
                return text;
            }
        }
    }
}

/// <param name="Sorted">Milliseconds.</param>
internal sealed record Latencies(double[] Sorted)
{
    /// <summary>How long nobody was answered at most, since the beginning of the run; 0 of several together.</summary>
    public double LongestGapMs { get; init; }
    public double P50 => At(0.5);
    public double P99 => At(0.99);

    public Latencies With(Latencies others) => new([.. Sorted.Concat(others.Sorted).Order()]);

    public override string ToString() => $"{Sorted.Length:N0} matches, p50 {P50:0.00} ms, p99 {P99:0.00} ms, at most {Sorted[^1]:0.0} ms";

    private double At(double share) => Sorted[Math.Min(Sorted.Length - 1, (int)(Sorted.Length * share))];
}

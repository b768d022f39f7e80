using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;
using PoolHub.Daemon.Operations;

namespace PoolHub.Tests.Operations;

public sealed class QueuedLogTests : IDisposable
{
    private const int FarTooMany = 100_000;

    private readonly SlowSink _sink = new();
    private readonly QueuedLog _log;

    public QueuedLogTests() => _log = new QueuedLog(_sink) { Patience = SlowSink.Patience };

    public void Dispose()
    {
        _sink.Read();
        _log.Dispose();
        _sink.Dispose();
    }

    [Fact]
    public void Lines_come_in_their_order_and_all_of_them_before_the_end()
    {
        _sink.Read();
        Say(1_000);
        _log.Dispose();
        Assert.Equal(Enumerable.Range(0, 1_000).Select(i => $"line {i}"), _sink.Lines);
        Assert.Equal(0, _log.Dropped);
    }

    [Fact]
    public void Reader_that_stands_still_stops_nobody_and_is_told_how_many_lines_it_has_missed()
    {
        Say(FarTooMany);
        long dropped = _log.Dropped;
        Assert.InRange(dropped, 1, FarTooMany - 1);
        _sink.Read();
        _log.Dispose();
        string[] lines = _sink.Lines;
        Assert.Equal(FarTooMany - dropped, lines.Length - 1);
        Assert.Equal(lines.Length - 1, Array.IndexOf(lines, Told(dropped)));
        Assert.Equal(Enumerable.Range(0, lines.Length - 1).Select(i => $"line {i}"), lines[..^1]);
    }

    [Fact]
    public void Gap_is_told_where_it_is_and_once()
    {
        Say(FarTooMany);
        long dropped = _log.Dropped;
        _sink.Read();
        _sink.AwaitLine(Told(dropped));
        Say(1);
        _log.Dispose();
        Assert.Equal([Told(dropped), "line 0"], _sink.Lines[^2..]);
        Assert.Equal(dropped, _log.Dropped);
    }

    [Fact]
    public void Full_queue_takes_nothing_until_half_of_it_was_read()
    {
        Say(FarTooMany);
        // Room for one, and for another, is not room for what comes.
        _sink.Read(lines: 2);
        _sink.AwaitLine("line 1");
        long dropped = _log.Dropped;
        Say(10);
        Assert.Equal(dropped + 10, _log.Dropped);
        _sink.Read();
        _sink.AwaitLine(Told(dropped + 10));
        Assert.Single(_sink.Lines, line => line.Contains("dropped", StringComparison.Ordinal));
    }

    [Fact]
    public void Long_lines_take_their_bytes_of_the_room()
    {
        string mebibyte = new('x', 1 << 20);
        for (int i = 0; i < 100; i++)
        {
            Log(mebibyte);
        }
        Assert.InRange(_log.Dropped, 95, 99);
    }

    [Fact]
    public void Line_that_cannot_be_written_is_counted_and_told_of_when_one_can()
    {
        _sink.Fails = true;
        _sink.Read();
        Say(3);
        Assert.True(SpinWait.SpinUntil(() => _log.Dropped == 3, SlowSink.Patience), "three lines were to be dropped");
        _sink.Fails = false;
        Log("after");
        _log.Dispose();
        Assert.Equal([Told(3), "after"], _sink.Lines);
    }

    [Fact]
    public void End_does_not_wait_for_a_reader_that_stands_still()
    {
        using var sink = new SlowSink();
        var log = new QueuedLog(sink) { Patience = TimeSpan.Zero };
        log.CreateLogger("c").Log(LogLevel.Information, "never read");
        log.Dispose();
        log.CreateLogger("c").Log(LogLevel.Information, "nor heard");
        Assert.Empty(sink.Lines);
        sink.Read();
    }

    private static string Told(long dropped) =>
        string.Create(CultureInfo.InvariantCulture, $"{dropped} lines of the log were dropped: who reads it is too slow");

    private void Say(int lines)
    {
        for (int i = 0; i < lines; i++)
        {
            Log($"line {i}");
        }
    }

    private void Log(string text) => _log.CreateLogger("PoolHub").Log(LogLevel.Information, "{Text}", text);

    /// <summary>Takes lines as far as the test reads them.</summary>
    private sealed class SlowSink : ILogSink
    {
        public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

        private readonly List<string> _lines = [];
        private int _room;

        public bool Fails { get; set; }

        public string[] Lines
        {
            get
            {
                lock (_lines)
                {
                    return [.. _lines];
                }
            }
        }

        public void Read(int lines = int.MaxValue)
        {
            lock (_lines)
            {
                _room = lines;
                Monitor.PulseAll(_lines);
            }
        }

        public void AwaitLine(string line) => Assert.True(SpinWait.SpinUntil(() => Lines.Contains(line), Patience), $"'{line}' was not written");

        public byte[] Form(in LogMessage message) => Encoding.UTF8.GetBytes(message.Text);

        public void Write(ReadOnlySpan<byte> entry)
        {
            lock (_lines)
            {
                while (_room == 0)
                {
                    _ = Monitor.Wait(_lines);
                }
                _room--;
                if (Fails)
                {
                    throw new IOException("no room is left");
                }
                _lines.Add(Encoding.UTF8.GetString(entry));
            }
        }

        public void Dispose()
        {
        }
    }
}

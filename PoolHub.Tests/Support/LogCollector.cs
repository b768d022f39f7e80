using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace PoolHub.Tests.Support;

/// <summary>Keeps what a hub logs, and knows which errors the test has provoked.</summary>
internal sealed class LogCollector : ILoggerProvider
{
    private readonly ConcurrentQueue<(LogLevel Level, string Text)> _entries = new();
    private readonly ConcurrentBag<string> _expected = [];

    /// <summary>What is less than this is not kept.</summary>
    public LogLevel Least { get; set; } = LogLevel.Trace;

    /// <summary>What is logged by this category fails, as nothing should: a fault that no code expects.</summary>
    public string? FailingCategory { get; set; }

    public IEnumerable<string> Errors => _entries.Where(e => e.Level >= LogLevel.Error).Select(e => e.Text);

    /// <summary>Errors that hold this text are what the test wants.</summary>
    public void Expect(string text) => _expected.Add(text);

    public int Count(string text) => _entries.Count(e => e.Text.Contains(text, StringComparison.Ordinal));

    public void AssertNoOther()
    {
        string[] others = [.. Errors.Where(e => !_expected.Any(x => e.Contains(x, StringComparison.Ordinal)))];
        Assert.True(others.Length == 0, string.Join(Environment.NewLine, others));
    }

    /// <summary>
    /// Nobody of whom the hub speaks can begin a line of his own, or command a terminal. What the framework says, and
    /// traces, the log's own form makes one line of.
    /// </summary>
    public void AssertOneLineEach() => Assert.DoesNotContain(
        _entries.Where(e => e.Level < LogLevel.Error && e.Text.Contains(" PoolHub.", StringComparison.Ordinal)), e => e.Text.Any(c => char.IsControl(c) || c is '\u2028' or '\u2029'));

    public ILogger<T> Of<T>() => new LoggerFactory([this]).CreateLogger<T>();

    public ILogger CreateLogger(string categoryName) => new Collecting(this, categoryName);

    public void Dispose()
    {
    }

    private sealed class Collecting(LogCollector logs, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= logs.Least;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (category == logs.FailingCategory)
            {
                throw new InvalidTimeZoneException();
            }
            logs._entries.Enqueue((logLevel, $"{logLevel} {category}: {formatter(state, exception)} {exception}"));
        }
    }
}

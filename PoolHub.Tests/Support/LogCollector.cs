using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace PoolHub.Tests.Support;

/// <summary>Keeps what a hub logs, and knows which errors the test has provoked.</summary>
internal sealed class LogCollector : ILoggerProvider
{
    private readonly ConcurrentQueue<(LogLevel Level, string Text)> _entries = new();
    private readonly ConcurrentBag<string> _expected = [];

    public IEnumerable<string> Errors => _entries.Where(e => e.Level >= LogLevel.Error).Select(e => e.Text);

    /// <summary>Errors that hold this text are what the test wants.</summary>
    public void Expect(string text) => _expected.Add(text);

    public int Count(string text) => _entries.Count(e => e.Text.Contains(text, StringComparison.Ordinal));

    public void AssertNoOther()
    {
        string[] others = [.. Errors.Where(e => !_expected.Any(x => e.Contains(x, StringComparison.Ordinal)))];
        Assert.True(others.Length == 0, string.Join(Environment.NewLine, others));
    }

    public ILogger<T> Of<T>() => new LoggerFactory([this]).CreateLogger<T>();

    public ILogger CreateLogger(string categoryName) => new Collecting(_entries, categoryName);

    public void Dispose()
    {
    }

    private sealed class Collecting(ConcurrentQueue<(LogLevel Level, string Text)> entries, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            entries.Enqueue((logLevel, $"{logLevel} {category}: {formatter(state, exception)} {exception}"));
    }
}

using Microsoft.Extensions.Logging;

namespace PoolHub.Tests.Storage;

/// <summary>Fails at one level: a fault where the code under test expects none.</summary>
internal sealed class FailingLogger<T>(LogLevel fails) : ILogger<T>
{
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (logLevel == fails)
        {
            throw new InvalidTimeZoneException();
        }
    }
}

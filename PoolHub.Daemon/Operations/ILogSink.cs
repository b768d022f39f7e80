namespace PoolHub.Daemon.Operations;

/// <summary>Where the log goes, and what a message looks like there.</summary>
internal interface ILogSink : IDisposable
{
    /// <summary>What is written for the message: a line, or an entry with fields.</summary>
    byte[] Form(in LogMessage message);

    /// <summary>Writes what was formed. It takes as long as whoever reads it does; what is thrown says that it was not taken.</summary>
    void Write(ReadOnlySpan<byte> entry);
}

/// <param name="Level">How bad it is.</param>
/// <param name="Category">Who says it.</param>
/// <param name="Event">Its name is the message's own.</param>
/// <param name="Text">One line, without what a terminal obeys.</param>
/// <param name="Fields">What it speaks of, by the names of the message's holes; null where it has none.</param>
internal readonly record struct LogMessage(
    LogLevel Level, string Category, EventId Event, string Text, IReadOnlyList<KeyValuePair<string, object?>>? Fields = null);

namespace PoolHub.Daemon.Operations;

internal static partial class ProgramLog
{
    [LoggerMessage(LogLevel.Information, "Pool Hub {Version} is ready: HTTP on {Http}, miners on {Tcp}")]
    public static partial void Ready(ILogger log, string version, string http, string tcp);

    [LoggerMessage(LogLevel.Information, "{Name} is not set: the one in use is {Place}")]
    public static partial void OwnSecret(ILogger log, string name, string place);

    [LoggerMessage(LogLevel.Warning, "systemd could not be told how the hub is: {Problem}")]
    public static partial void NotNotified(ILogger log, string problem);

    [LoggerMessage(LogLevel.Information, "settings reloaded")]
    public static partial void Reloaded(ILogger log);

    [LoggerMessage(LogLevel.Warning, "{Name} has changed and counts from the next start")]
    public static partial void NeedsRestart(ILogger log, string name);

    [LoggerMessage(LogLevel.Error, "the settings were not reloaded, those before stay in use: {Problem}")]
    public static partial void ReloadRefused(ILogger log, string problem);

    [LoggerMessage(LogLevel.Warning, "{Count} lines of the log were dropped: who reads it is too slow")]
    public static partial void LinesDropped(ILogger log, long count);
}

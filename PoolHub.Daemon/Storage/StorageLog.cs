namespace PoolHub.Daemon.Storage;

internal static partial class StorageLog
{
    [LoggerMessage(LogLevel.Information, "opened {Path}, schema version {Version}")]
    public static partial void Opened(ILogger log, string path, int version);

    [LoggerMessage(LogLevel.Information, "took {Path} from schema version {From} to {To}")]
    public static partial void Migrated(ILogger log, string path, int from, int to);

    [LoggerMessage(LogLevel.Warning, "{Path} had not been closed; it was checked and is sound")]
    public static partial void WasNotClosed(ILogger log, string path);

    [LoggerMessage(LogLevel.Information, "loaded {Count} miners in {ElapsedMs:0} ms")]
    public static partial void Loaded(ILogger log, int count, double elapsedMs);

    [LoggerMessage(LogLevel.Error, "a commit of {Count} writes failed; their callers were told")]
    public static partial void CommitFailed(ILogger log, int count, Exception e);

    [LoggerMessage(LogLevel.Warning, "statuses could not be saved; the next batch replaces them")]
    public static partial void StatusesFailed(ILogger log, Exception e);

    [LoggerMessage(LogLevel.Critical, "the store's writer has died; nothing more is saved")]
    public static partial void WriterDied(ILogger log, Exception e);
}

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

    [LoggerMessage(LogLevel.Warning, "a group of {Count} writes was refused; each is tried alone")]
    public static partial void GroupSplit(ILogger log, int count, Exception e);

    [LoggerMessage(LogLevel.Error, "the database refused a write; its caller was told")]
    public static partial void WriteRefused(ILogger log, Exception e);

    [LoggerMessage(LogLevel.Warning, "{Why}; known miners, heartbeats and matches go on, feedback is spooled")]
    public static partial void WentAway(ILogger log, string why);

    [LoggerMessage(LogLevel.Information, "{Database} is back after {ElapsedSec:0.0} s")]
    public static partial void CameBack(ILogger log, string database, double elapsedSec);

    [LoggerMessage(LogLevel.Warning, "{Why}; the hub begins when it is there")]
    public static partial void WaitsForDatabase(ILogger log, string why);

    [LoggerMessage(LogLevel.Information, "{Count} entries in {Path} wait for the database")]
    public static partial void SpoolFound(ILogger log, int count, string path);

    [LoggerMessage(LogLevel.Warning, "the last line of {Path} was not whole, as a crash leaves it: {Bytes} bytes were taken away")]
    public static partial void SpoolTorn(ILogger log, string path, int bytes);

    [LoggerMessage(LogLevel.Error, "{Path} took nothing; whoever reports is told")]
    public static partial void SpoolFailed(ILogger log, string path, Exception e);

    [LoggerMessage(LogLevel.Information, "delivered {Count} spooled entries to the database")]
    public static partial void SpoolDelivered(ILogger log, int count);

    [LoggerMessage(LogLevel.Error, "{Path} could not be delivered; it is tried again")]
    public static partial void DeliveryFailed(ILogger log, string path, Exception e);

    [LoggerMessage(LogLevel.Warning, "spooled feedback of job {JobId} on {MinerId} ({Outcome}) was dropped: the database knows no such miner")]
    public static partial void SpooledForNobody(ILogger log, string jobId, string minerId, string outcome);

    [LoggerMessage(LogLevel.Information, "removed {Count} {What} older than {Days} days")]
    public static partial void Forgot(ILogger log, int count, string what, int days);

    [LoggerMessage(LogLevel.Warning, "what is too old could not be removed; it is tried again in some minutes")]
    public static partial void NotForgotten(ILogger log, Exception e);
}

namespace PoolHub.Daemon.Sessions;

internal static partial class SessionLog
{
    [LoggerMessage(LogLevel.Debug, "{MinerId} began session {Epoch} over {Transport}")]
    public static partial void Began(ILogger log, string minerId, long epoch, Transport transport);

    [LoggerMessage(LogLevel.Debug, "{MinerId} resumed session {Epoch} over {Transport}")]
    public static partial void Resumed(ILogger log, string minerId, long epoch, Transport transport);

    [LoggerMessage(LogLevel.Debug, "{MinerId} left, session {Epoch}")]
    public static partial void Left(ILogger log, string minerId, long epoch);

    [LoggerMessage(LogLevel.Information, "{MinerId} is offline: no heartbeat within the grace")]
    public static partial void Expired(ILogger log, string minerId);

    [LoggerMessage(LogLevel.Warning, "{MinerId} connects too often and is sent away for {Seconds:0} s")]
    public static partial void Flapping(ILogger log, string minerId, double seconds);

    [LoggerMessage("conversation with {MinerId} at {Remote} ended: {CloseReason}")]
    public static partial void Ended(ILogger log, LogLevel level, string minerId, string remote, string closeReason);

    [LoggerMessage(LogLevel.Information, "{Count} more conversations that ended with {CloseReason} were not logged")]
    public static partial void NotLogged(ILogger log, int count, string closeReason);

    [LoggerMessage(LogLevel.Error, "conversation with {MinerId} at {Remote} failed")]
    public static partial void Failed(ILogger log, string minerId, string remote, Exception e);

    [LoggerMessage(LogLevel.Warning, "{Count} miners are silent: the hub suspects its own network and keeps them as degraded")]
    public static partial void GuardBegan(ILogger log, int count);

    [LoggerMessage(LogLevel.Warning, "the mass-loss guard has ended")]
    public static partial void GuardEnded(ILogger log);

    [LoggerMessage(LogLevel.Warning, "the hub stood still for {Seconds:0.0} s: in that time nobody counts as silent")]
    public static partial void StoodStill(ILogger log, double seconds);

    [LoggerMessage(LogLevel.Error, "a sweep failed; the next one tries again")]
    public static partial void SweepFailed(ILogger log, Exception e);

    [LoggerMessage(LogLevel.Warning, "the sweep stands still from here on, as DEBUG_STUCK_SWEEP_SEC asks")]
    public static partial void SweepStuck(ILogger log);

    [LoggerMessage(LogLevel.Information, "saying goodbye to {Count} miners")]
    public static partial void ShuttingDown(ILogger log, int count);
}

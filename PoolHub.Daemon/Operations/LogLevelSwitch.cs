namespace PoolHub.Daemon.Operations;

/// <summary>What is logged; the setting LOG_LEVEL, which a reload may change.</summary>
internal sealed class LogLevelSwitch(LogLevel level)
{
    /// <summary>
    /// These write every request's whole address, in which a session token may stand, and the line or the header that a
    /// bad request has.
    /// </summary>
    private static readonly string[] s_withSecrets =
        ["Microsoft.AspNetCore.Hosting.Diagnostics", "Microsoft.AspNetCore.Server.Kestrel.BadRequests"];

    private volatile LogLevel _level = level;

    public void Set(LogLevel level) => _level = level;

    /// <summary>The framework speaks of every request and connection: it is heard when somebody looks for a fault.</summary>
    public bool Admits(string? category, LogLevel level)
    {
        LogLevel wanted = _level;
        bool own = category?.StartsWith("PoolHub", StringComparison.Ordinal) == true;
        return level >= (own || (wanted <= LogLevel.Debug && !s_withSecrets.Contains(category)) ? wanted : LogLevel.Warning);
    }
}

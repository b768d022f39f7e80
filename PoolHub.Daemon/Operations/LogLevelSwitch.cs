namespace PoolHub.Daemon.Operations;

/// <summary>What is logged; the setting LOG_LEVEL, which a reload may change.</summary>
internal sealed class LogLevelSwitch(LogLevel level)
{
    /// <summary>Writes every request's whole address, in which a session token may stand.</summary>
    private const string Addresses = "Microsoft.AspNetCore.Hosting.Diagnostics";

    private volatile LogLevel _level = level;

    public void Set(LogLevel level) => _level = level;

    /// <summary>The framework speaks of every request and connection: it is heard when somebody looks for a fault.</summary>
    public bool Admits(string? category, LogLevel level)
    {
        LogLevel wanted = _level;
        bool own = category?.StartsWith("PoolHub", StringComparison.Ordinal) == true;
        return level >= (own || (wanted <= LogLevel.Debug && category != Addresses) ? wanted : LogLevel.Warning);
    }
}

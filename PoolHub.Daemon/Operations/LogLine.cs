using Microsoft.Extensions.Hosting.Systemd;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace PoolHub.Daemon.Operations;

/// <summary>One message, one line: its level and what it says. The journal adds the time and reads the level as its own.</summary>
internal sealed class LogLine() : ConsoleFormatter(FormatterName)
{
    public const string FormatterName = "line";

    /// <summary>The host's own account of a start that failed, with a trace: the program says it once, in one line.</summary>
    private const string FailedStart = "HostedServiceStartupFaulted";

    private static readonly bool s_journal = SystemdHelpers.IsSystemdService();

    public override void Write<TState>(in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
    {
        if (logEntry.EventId.Name == FailedStart)
        {
            return;
        }
        (string name, string priority) = logEntry.LogLevel switch
        {
            LogLevel.Critical => ("crit", "<2>"),
            LogLevel.Error => ("fail", "<3>"),
            LogLevel.Warning => ("warn", "<4>"),
            LogLevel.Information => ("info", "<6>"),
            _ => ("debug", "<7>"),
        };
        textWriter.Write(s_journal ? priority : $"{name}: ");
        textWriter.Write(logEntry.Formatter(logEntry.State, logEntry.Exception));
        if (logEntry.Exception is { } exception)
        {
            // Every line of a trace would be an entry of its own in the journal.
            textWriter.Write(" | ");
            textWriter.Write(exception.ToString().ReplaceLineEndings(" | "));
        }
        textWriter.Write('\n');
    }
}

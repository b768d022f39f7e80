using System.Buffers;
using System.Text;

namespace PoolHub.Daemon.Operations;

/// <summary>One message, one line: its level and what it says. For a terminal or a file; the journal has <see cref="JournalLog"/>.</summary>
internal sealed class LogLine(Stream output) : ILogSink
{
    private static readonly SearchValues<char> s_controls =
        SearchValues.Create([.. Enumerable.Range(0, 0xA0).Select(c => (char)c).Where(char.IsControl), '\u2028', '\u2029']);

    /// <summary>Standard output is for what was asked of the program.</summary>
#pragma warning disable CA2000 // The sink has it.
    public static LogLine OfThisProcess() => new(Console.OpenStandardError());
#pragma warning restore CA2000

    public byte[] Form(in LogMessage message)
    {
        string level = message.Level switch
        {
            LogLevel.Critical => "crit: ",
            LogLevel.Error => "fail: ",
            LogLevel.Warning => "warn: ",
            LogLevel.Information => "info: ",
            _ => "debug: ",
        };
        return Encoding.UTF8.GetBytes($"{level}{message.Text}\n");
    }

    public void Write(ReadOnlySpan<byte> entry) => output.Write(entry);

    public void Dispose() => output.Dispose();

    /// <summary>The host's own account of a start that failed, with a trace: the program says it once, in one line.</summary>
    public static bool IsTold(EventId id) => id.Name == "HostedServiceStartupFaulted";

    /// <summary>As one line: every line of a trace would be an entry of its own.</summary>
    public static string Text(string message, Exception? exception) =>
        Printable((exception is null ? message : $"{message} | {exception}").ReplaceLineEndings(" | "));

    /// <summary>
    /// Without what a terminal obeys. Names are checked where they come in; an exception's message may hold what a stranger
    /// sent.
    /// </summary>
    public static string Printable(string text) => !text.AsSpan().ContainsAny(s_controls) ? text
        : string.Create(text.Length, text, static (printable, source) =>
        {
            for (int i = 0; i < printable.Length; i++)
            {
                printable[i] = s_controls.Contains(source[i]) ? '?' : source[i];
            }
        });

    /// <summary>As syslog counts, from 0 for the worst.</summary>
    public static string Priority(LogLevel level) => level switch
    {
        LogLevel.Critical => "2",
        LogLevel.Error => "3",
        LogLevel.Warning => "4",
        LogLevel.Information => "6",
        _ => "7",
    };
}

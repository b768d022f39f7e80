namespace PoolHub.Cli.Shell;

/// <summary>Ends the command with one line on stderr: what went wrong, why, and what to do.</summary>
internal sealed class CliException : Exception
{
    public CliException()
    {
    }

    public CliException(string message)
        : base(message)
    {
    }

    public CliException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }

    public int ExitCode { get; init; } = Shell.ExitCode.Failed;

    public static CliException Usage(string message, Exception? cause = null) =>
        new(message, cause) { ExitCode = Shell.ExitCode.Usage };
}

namespace PoolHub.Cli.Shell;

/// <summary>What every command returns to the shell; listed in the help.</summary>
internal static class ExitCode
{
    public const int Done = 0;

    /// <summary>The hub could not be reached, refused the request or failed; or a step of the demo did not hold.</summary>
    public const int Failed = 1;

    /// <summary>The command line is wrong.</summary>
    public const int Usage = 2;

    /// <summary>The hub answered, and the answer is that there is none: no candidates, no such miner, match, key or ban.</summary>
    public const int Nothing = 3;

    /// <summary>Ended by Ctrl-C before it was done.</summary>
    public const int Interrupted = 130;
}

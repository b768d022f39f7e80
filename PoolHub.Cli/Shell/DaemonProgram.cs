namespace PoolHub.Cli.Shell;

/// <summary>Where the hub's program is, for the commands that run one.</summary>
internal static class DaemonProgram
{
    private const string Name = "poolhubd";

    /// <param name="given">Where the user says that it is.</param>
    /// <exception cref="CliException">There is none.</exception>
    public static string Find(string? given)
    {
        if (given is not null)
        {
            return File.Exists(given)
                ? Path.GetFullPath(given)
                : throw CliException.Usage($"--daemon {given} is not there; ./build makes out/{Name}.");
        }
        IEnumerable<string> directories =
            [AppContext.BaseDirectory, .. (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':'), "/usr/sbin"];
        return directories.Select(directory => Path.Combine(directory, Name)).FirstOrDefault(File.Exists)
            ?? throw new CliException($"The hub's program {Name} is not beside this one nor in PATH; say where with --daemon.");
    }
}

using PoolHub.Protocol;

namespace PoolHub.Cli.Shell;

/// <summary>
/// Finds the two secrets of the hub. First what the command line gives, then the environment, then the files that the
/// package or the hub made when none was given. They are never printed.
/// </summary>
internal sealed class Secrets(Func<string, string?> environment, params string[] defaultDirs)
{
    public static Secrets OfThisProcess { get; } = new(Environment.GetEnvironmentVariable, "/etc/poolhub", "/var/lib/poolhub");

    public string CoordinatorSecret(string? given, string? file) =>
        Find("coordinator secret", "secret", "COORDINATOR_SHARED_SECRET", "coordinator-secret", given, file);

    public string AdminToken(string? given, string? file) =>
        Find("admin token", "token", "ADMIN_TOKEN", "admin-token", given, file);

    /// <summary>The admin token, or null where there is none to be found; a file that was named must be there.</summary>
    public string? AdminTokenIfAny(string? given, string? file)
    {
        try
        {
            return AdminToken(given, file);
        }
        catch (CliException) when (given is null && file is null)
        {
            return null;
        }
    }

    private string Find(string what, string option, string variable, string fileName, string? given, string? file)
    {
        if (given is not null)
        {
            return given.Length > 0 ? given : throw CliException.Usage($"--{option} is empty; give the hub's {what}.");
        }
        if (file is not null)
        {
            return Read(file, what, option);
        }
        if (Set(variable + "_FILE") is { } named)
        {
            return FirstOf(Read(named, what, option));
        }
        if (Set(variable) is { } value)
        {
            return FirstOf(value);
        }
        string[] directories = Set("POOLHUB_STATE_DIR") is { } stateDir ? [stateDir, .. defaultDirs] : defaultDirs;
        foreach (string directory in directories)
        {
            string path = Path.Combine(directory, fileName);
            if (IsThere(path))
            {
                return Read(path, what, option);
            }
        }
        throw new CliException(
            $"This needs the hub's {what} and there is none: set {variable}, or give --{option}-file "
            + $"(it is kept in {fileName}; looked in {string.Join(" and ", directories)}).");
    }

    /// <summary>The hub's setting may be a list, each with a name before it.</summary>
    private static string FirstOf(string setting) => NamedSecret.Parse(setting.Split(',')[0].Trim()).Secret;

    private string? Set(string variable) => environment(variable) is { Length: > 0 } value ? value : null;

    /// <summary>Also true for a file in a directory that this user may not enter, so that the reading can say so.</summary>
    private static bool IsThere(string path)
    {
        try
        {
            _ = File.GetAttributes(path);
            return true;
        }
        catch (UnauthorizedAccessException)
        {
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static string Read(string path, string what, string option)
    {
        try
        {
            string text = File.ReadAllText(path).Trim();
            return text.Length > 0
                ? text
                : throw new CliException($"The file {path} is empty; it should hold the hub's {what}.");
        }
        catch (UnauthorizedAccessException e)
        {
            throw new CliException(
                $"You may not read {path}, which holds the hub's {what}: use sudo, join the group poolhub, or give --{option}-file.", e);
        }
        catch (IOException e)
        {
            throw new CliException($"The {what} cannot be read from {path}: {e.Message}", e);
        }
    }
}

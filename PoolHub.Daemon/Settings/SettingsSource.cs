using System.Buffers;

namespace PoolHub.Daemon.Settings;

/// <summary>
/// Where the settings come from, weakest first: the file, systemd credentials, the environment. Any of them may give
/// <c>NAME_FILE</c> in place of <c>NAME</c>: a file that holds the value, for secrets.
/// </summary>
internal sealed class SettingsSource
{
    public const string DefaultPath = "/etc/poolhub/poolhub.env";

    private static readonly SearchValues<char> NameChars = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);
    private readonly List<string> _problems = [];

    /// <summary>Bad lines and unreadable files, each as one line for a person.</summary>
    public IReadOnlyList<string> Problems => _problems;

    /// <summary>The names that came from the file, with their line.</summary>
    public Dictionary<string, int> FileLines { get; } = new(StringComparer.Ordinal);

    public string? Find(string name) => _values.GetValueOrDefault(name);

    /// <param name="path">The settings file; null for the default place, where it may be missing.</param>
    public static SettingsSource Load(string? path, IReadOnlyDictionary<string, string> environment)
    {
        var source = new SettingsSource();
        string file = path ?? environment.GetValueOrDefault("POOLHUB_CONFIG") ?? DefaultPath;
        if (File.Exists(file))
        {
            source.ReadFile(file);
        }
        else if (path is not null)
        {
            source._problems.Add($"{file}: no such file");
        }
        source.ReadCredentials(environment.GetValueOrDefault("CREDENTIALS_DIRECTORY"));
        foreach ((string name, string value) in environment)
        {
            source._values[name] = value;
        }
        source.FollowFiles();
        return source;
    }

    private void ReadFile(string file)
    {
        string[] lines;
        try
        {
            lines = File.ReadAllLines(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _problems.Add($"{file}: {e.Message}");
            return;
        }
        for (int i = 0; i < lines.Length; i++)
        {
            string line = lines[i].Trim();
            if (line.Length == 0 || line[0] is '#' or ';')
            {
                continue;
            }
            int equals = line.IndexOf('=', StringComparison.Ordinal);
            string name = equals < 0 ? "" : line[..equals].Trim();
            if (name.Length == 0 || name.AsSpan().ContainsAnyExcept(NameChars))
            {
                // The line itself is not repeated: it may hold a secret.
                _problems.Add($"{file}:{i + 1}: not of the form NAME=value");
                continue;
            }
            string value = line[(equals + 1)..].Trim();
            if (value.Length >= 2 && value[0] is '"' or '\'' && value[^1] == value[0])
            {
                value = value[1..^1];
            }
            if (FileLines.TryGetValue(name, out int earlier))
            {
                _problems.Add($"{file}:{i + 1}: {name} was set in line {earlier} already");
            }
            FileLines[name] = i + 1;
            _values[name] = value;
        }
    }

    private void ReadCredentials(string? directory)
    {
        if (directory is null || !Directory.Exists(directory))
        {
            return;
        }
        foreach (string file in Directory.EnumerateFiles(directory))
        {
            ReadValue(Path.GetFileName(file), file);
        }
    }

    private void FollowFiles()
    {
        foreach ((string name, string file) in _values.ToArray())
        {
            if (name.EndsWith("_FILE", StringComparison.Ordinal) && SettingsReader.IsSecret(name[..^5]))
            {
                if (!ReadValue(name[..^5], file))
                {
                    _problems.Add($"{name}: cannot read {file}");
                }
            }
        }
    }

    private bool ReadValue(string name, string file)
    {
        try
        {
            _values[name] = File.ReadAllText(file).Trim();
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}

using System.Buffers;

namespace PoolHub.Daemon.Settings;

/// <summary>
/// Where the settings come from, weakest first: the file, systemd credentials, the environment. Any of them may give
/// <c>NAME_FILE</c> in place of <c>NAME</c>: a file that holds the value, for secrets.
/// </summary>
internal sealed class SettingsSource
{
    public const string DefaultPath = "/etc/poolhub/poolhub.env";

    private const string FileSuffix = "_FILE";

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
            source.TakeOver(source.ReadFile(file));
        }
        else if (path is not null)
        {
            source._problems.Add($"{file}: no such file");
        }
        source.TakeOver(source.ReadCredentials(environment.GetValueOrDefault("CREDENTIALS_DIRECTORY")));
        source.TakeOver(environment);
        return source;
    }

    /// <summary>Overrides what weaker sources gave; only within one source does NAME stand against NAME_FILE.</summary>
    private void TakeOver(IReadOnlyDictionary<string, string> values)
    {
        foreach ((string name, string value) in values)
        {
            _values[name] = value;
        }
        foreach ((string name, string file) in values)
        {
            if (!name.EndsWith(FileSuffix, StringComparison.Ordinal) || !SettingsReader.IsSecret(name[..^FileSuffix.Length]) || file.Length == 0)
            {
                continue;
            }
            string secret = name[..^FileSuffix.Length];
            if (values.GetValueOrDefault(secret) is { Length: > 0 })
            {
                _problems.Add($"{secret}: is given beside {name}; give one of them");
            }
            else if (ReadValue(file) is { } value)
            {
                _values[secret] = value;
            }
            else
            {
                // What a weaker source says is not what was meant.
                _values.Remove(secret);
                _problems.Add($"{name}: cannot read {file}");
            }
        }
    }

    private Dictionary<string, string> ReadFile(string file)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        string[] lines;
        try
        {
            lines = File.ReadAllLines(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _problems.Add($"{file}: {e.Message}");
            return values;
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
            values[name] = value;
        }
        return values;
    }

    private Dictionary<string, string> ReadCredentials(string? directory)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        if (directory is null || !Directory.Exists(directory))
        {
            return values;
        }
        foreach (string file in Directory.EnumerateFiles(directory))
        {
            string name = Path.GetFileName(file);
            if (ReadValue(file) is { } value)
            {
                values[name] = value;
            }
            else
            {
                _problems.Add($"{name}: cannot read {file}");
            }
        }
        return values;
    }

    private static string? ReadValue(string file)
    {
        try
        {
            return File.ReadAllText(file).Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}

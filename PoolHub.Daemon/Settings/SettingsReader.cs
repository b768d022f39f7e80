using System.Globalization;

namespace PoolHub.Daemon.Settings;

/// <summary>Reads settings by name and type, and collects what is wrong with them, so that all of it can be told at once.</summary>
internal sealed class SettingsReader(SettingsSource source)
{
    private readonly HashSet<string> _asked = new(StringComparer.Ordinal);
    private readonly List<string> _problems = [.. source.Problems];

    public IReadOnlyList<string> Problems => _problems;

    /// <summary>Whether a setting may come from a file of its own.</summary>
    public static bool IsSecret(string name) => name is "COORDINATOR_SHARED_SECRET" or "ADMIN_TOKEN" or "DB_DSN";

    public void Fail(string name, string problem) => _problems.Add($"{name}: {problem}");

    /// <summary>The value, or null when it is absent or empty.</summary>
    public string? Text(string name)
    {
        _asked.Add(name);
        if (IsSecret(name))
        {
            _asked.Add(name + "_FILE");
        }
        return source.Find(name) is { Length: > 0 } value ? value : null;
    }

    /// <summary>The value, which may be empty; null when it is absent.</summary>
    public string? Given(string name)
    {
        _ = Text(name);
        return source.Find(name);
    }

    public string Text(string name, string otherwise) => Text(name) ?? otherwise;

    public int Int32(string name, int otherwise, int min, int max)
    {
        if (Text(name) is not { } text)
        {
            return otherwise;
        }
        if (!int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value) || value < min || value > max)
        {
            Fail(name, $"must be a whole number from {min} to {max}, not '{text}'");
            return otherwise;
        }
        return value;
    }

    /// <summary>One of the given words, in any case.</summary>
    public string Choice(string name, string otherwise, params ReadOnlySpan<string> choices)
    {
        if (Text(name) is not { } text)
        {
            return otherwise;
        }
        foreach (string choice in choices)
        {
            if (choice.Equals(text, StringComparison.OrdinalIgnoreCase))
            {
                return choice;
            }
        }
        Fail(name, $"must be one of {string.Join(", ", choices.ToArray())}, not '{text}'");
        return otherwise;
    }

    /// <summary>A comma-separated list; empty entries are left out.</summary>
    public string[] List(string name) =>
        Text(name)?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? [];

    /// <summary>Complains of names in the file that nobody asked for. Called last.</summary>
    public void RefuseUnknown()
    {
        foreach ((string name, int line) in source.FileLines)
        {
            if (!_asked.Contains(name))
            {
                string? near = _asked.Where(a => !a.EndsWith("_FILE", StringComparison.Ordinal)).MinBy(a => Distance(a, name));
                string hint = near is not null && Distance(near, name) <= 3 ? $"; did you mean {near}?" : "";
                Fail(name, $"unknown setting in line {line}{hint}");
            }
        }
    }

    /// <summary>Levenshtein distance.</summary>
    private static int Distance(string a, string b)
    {
        int[] row = [.. Enumerable.Range(0, b.Length + 1)];
        for (int i = 1; i <= a.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int above = row[j];
                row[j] = Math.Min(Math.Min(above, row[j - 1]) + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1));
                diagonal = above;
            }
        }
        return row[^1];
    }
}

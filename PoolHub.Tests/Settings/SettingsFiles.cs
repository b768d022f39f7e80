using PoolHub.Daemon.Settings;

namespace PoolHub.Tests.Settings;

/// <summary>A directory of its own with a settings file, credentials and secrets.</summary>
internal sealed class SettingsFiles : IDisposable
{
    private readonly string _dir = Directory.CreateTempSubdirectory("poolhub-settings-").FullName;

    public Dictionary<string, string> Environment { get; } = [];

    public string SettingsPath => Path.Combine(_dir, "poolhub.env");

    public void Dispose() => Directory.Delete(_dir, recursive: true);

    public string Write(string name, string text)
    {
        string path = Path.Combine(_dir, name);
        File.WriteAllText(path, text);
        return path;
    }

    public void WriteCredential(string name, string text)
    {
        string dir = Path.Combine(_dir, "credentials");
        Directory.CreateDirectory(dir);
        File.WriteAllText(Path.Combine(dir, name), text);
        Environment["CREDENTIALS_DIRECTORY"] = dir;
    }

    /// <summary>Loads what was written, with the settings file of these lines.</summary>
    public SettingsSource Load(params string[] lines)
    {
        File.WriteAllLines(SettingsPath, lines);
        return SettingsSource.Load(SettingsPath, Environment);
    }
}

using PoolHub.Daemon.Settings;

namespace PoolHub.Daemon.Access;

/// <param name="OpenEnrollment">An unknown miner id is claimed by its first registration.</param>
/// <param name="CoordinatorSecrets">Empty: the hub keeps one of its own making in the state directory.</param>
/// <param name="AdminTokens">Likewise.</param>
/// <param name="CredentialsDir">Where systemd has put secrets that the hub would else make itself; null: nowhere.</param>
internal sealed record AccessOptions(bool OpenEnrollment, string[] CoordinatorSecrets, string[] AdminTokens, string? CredentialsDir = null)
{
    private const int MinSecretChars = 16;

    public static AccessOptions Read(SettingsReader settings) => new(
        settings.Choice("ENROLLMENT", "closed", "open", "closed") == "open",
        Secrets(settings, "COORDINATOR_SHARED_SECRET"),
        Secrets(settings, "ADMIN_TOKEN"),
        settings.Text("CREDENTIALS_DIRECTORY"));

    private static string[] Secrets(SettingsReader settings, string name)
    {
        string[] secrets = settings.List(name);
        if (secrets.Any(s => s.Length < MinSecretChars))
        {
            settings.Fail(name, $"each secret must have at least {MinSecretChars} characters");
        }
        return secrets;
    }
}

using PoolHub.Daemon.Settings;
using PoolHub.Protocol;

namespace PoolHub.Daemon.Access;

/// <param name="OpenEnrollment">An unknown miner id is claimed by its first registration.</param>
/// <param name="CoordinatorSecrets">Empty: the hub keeps one of its own making in the state directory.</param>
/// <param name="AdminTokens">Likewise.</param>
/// <param name="CredentialsDir">Where systemd has put secrets that the hub would else make itself; null: nowhere.</param>
/// <param name="MatchRateLimit">Matches of each coordinator in a second; 0: no limit.</param>
/// <param name="FeedbackRateLimit">Its feedback in a second; 0: no limit.</param>
/// <param name="HoldSharePercent">Which part of the fleet's slots each may hold.</param>
internal sealed record AccessOptions(
    bool OpenEnrollment,
    NamedSecret[] CoordinatorSecrets,
    NamedSecret[] AdminTokens,
    string? CredentialsDir = null,
    int MatchRateLimit = AccessOptions.DefaultRateLimit,
    int FeedbackRateLimit = AccessOptions.DefaultRateLimit,
    int HoldSharePercent = AccessOptions.WholeFleet)
{
    private const int DefaultRateLimit = 10_000;

    /// <summary>What one can believably report: a few thousand jobs that run for a second or more.</summary>
    private const int DefaultFeedbackRateLimit = 2_000;
    private const int MaxRateLimit = 1_000_000;
    private const int MinSecretChars = 16;
    private const int WholeFleet = 100;

    /// <summary>Of one coordinator among several.</summary>
    private const int HalfOfFleet = 50;

    /// <summary>Each name is a label of the metrics.</summary>
    private const int MaxNames = 64;

    public static AccessOptions Read(SettingsReader settings)
    {
        NamedSecret[] coordinators = Secrets(settings, "COORDINATOR_SHARED_SECRET");
        bool several = coordinators.DistinctBy(s => s.Name).Skip(1).Any();
        return new AccessOptions(
            settings.Choice("ENROLLMENT", "closed", "open", "closed") == "open",
            coordinators,
            Secrets(settings, "ADMIN_TOKEN"),
            settings.Text("CREDENTIALS_DIRECTORY"),
            settings.Int32("MATCH_RATE_LIMIT", DefaultRateLimit, 0, MaxRateLimit),
            settings.Int32("FEEDBACK_RATE_LIMIT", DefaultFeedbackRateLimit, 0, MaxRateLimit),
            settings.Int32("HOLD_SHARE_PERCENT", several ? HalfOfFleet : WholeFleet, 0, WholeFleet));
    }

    private static NamedSecret[] Secrets(SettingsReader settings, string name)
    {
        NamedSecret[] secrets = Array.ConvertAll(settings.List(name), NamedSecret.Parse);
        if (secrets.Any(s => s.Secret.Length < MinSecretChars))
        {
            settings.Fail(name, $"each secret must have at least {MinSecretChars} characters");
        }
        if (secrets.Select(s => s.Name).Distinct().Count() > MaxNames)
        {
            settings.Fail(name, $"must be of at most {MaxNames} names");
        }
        foreach (IGrouping<string, NamedSecret> same in secrets.Distinct().GroupBy(s => s.Secret).Where(g => g.Count() > 1))
        {
            settings.Fail(name, $"{string.Join(" and ", same.Select(s => s.Name))} have the same secret");
        }
        return secrets;
    }
}

using PoolHub.Daemon.Settings;
using PoolHub.Protocol;

namespace PoolHub.Daemon.Matching;

/// <param name="Weights">The weights that requests may choose.</param>
/// <param name="HoldMs">For how long a match holds that does not say; 0: not at all.</param>
internal sealed record MatchOptions(WeightProfiles Weights, int HoldMs)
{
    public static MatchOptions Read(SettingsReader settings) =>
        new(ReadWeights(settings), settings.Int32("MATCH_HOLD_MS", 0, 0, Limits.MaxHoldMs));

    private static WeightProfiles ReadWeights(SettingsReader settings)
    {
        string defaultText = settings.Text("DEFAULT_WEIGHTS", WeightProfiles.DefaultText);
        if (!WeightProfiles.TryCreate(defaultText, [], out WeightProfiles? profiles, out string? problem))
        {
            settings.Fail("DEFAULT_WEIGHTS", problem);
            defaultText = WeightProfiles.DefaultText;
        }
        if (settings.Text("WEIGHT_PROFILES") is not { } text)
        {
            return profiles ?? WeightProfiles.BuiltIn;
        }
        List<KeyValuePair<string, string>> own = [];
        foreach (string entry in text.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            int equals = entry.IndexOf('=', StringComparison.Ordinal);
            if (equals < 0)
            {
                settings.Fail("WEIGHT_PROFILES", $"must be name=term:weight,… separated by semicolons, not '{entry}'");
                return profiles ?? WeightProfiles.BuiltIn;
            }
            own.Add(new(entry[..equals].Trim(), entry[(equals + 1)..].Trim()));
        }
        if (!WeightProfiles.TryCreate(defaultText, own, out profiles, out problem))
        {
            settings.Fail("WEIGHT_PROFILES", problem);
        }
        return profiles ?? WeightProfiles.BuiltIn;
    }
}

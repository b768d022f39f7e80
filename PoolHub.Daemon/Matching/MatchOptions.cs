using PoolHub.Daemon.Settings;

namespace PoolHub.Daemon.Matching;

internal static class MatchOptions
{
    /// <summary>The weights that requests may choose.</summary>
    public static WeightProfiles Read(SettingsReader settings)
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

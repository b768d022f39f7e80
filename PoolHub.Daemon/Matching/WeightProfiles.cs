using System.Diagnostics.CodeAnalysis;
using PoolHub.Protocol;

namespace PoolHub.Daemon.Matching;

/// <summary>
/// The weights that a request may choose by name: <c>default</c> (the setting DEFAULT_WEIGHTS), three built in and the
/// operator's own. Immutable; a reload makes a new one.
/// </summary>
internal sealed class WeightProfiles
{
    public const string DefaultName = "default";
    public const string DefaultText = "cap:0.4,price:0.2,latency:0.2,trust:0.15,load:0.05";

    private const int MaxNameChars = 32;

    private static readonly (string Name, string Text)[] BuiltInTexts =
    [
        ("cheapest", "cap:0.1,price:0.7,latency:0.05,trust:0.1,load:0.05"),
        ("fastest", "cap:0.1,price:0.05,latency:0.6,trust:0.1,load:0.15"),
        ("spread", "cap:0.1,price:0.1,latency:0.1,trust:0.1,load:0.6"),
    ];

    private readonly Dictionary<string, Weights> _byName = new(StringComparer.Ordinal);

    private WeightProfiles()
    {
    }

    /// <summary>The default and the other built-in profiles.</summary>
    public static WeightProfiles BuiltIn { get; } = TryCreate(DefaultText, [], out WeightProfiles? profiles, out string? problem)
        ? profiles
        : throw new InvalidOperationException(problem);

    public IReadOnlyCollection<string> Names => _byName.Keys;

    /// <param name="defaultWeights">The text of DEFAULT_WEIGHTS.</param>
    /// <param name="extra">The operator's own profiles, name and text; they may redefine the built-in ones.</param>
    /// <param name="profiles">All profiles.</param>
    /// <param name="problem">What is wrong, naming the profile.</param>
    public static bool TryCreate(
        string defaultWeights,
        IEnumerable<KeyValuePair<string, string>> extra,
        [NotNullWhen(true)] out WeightProfiles? profiles,
        [NotNullWhen(false)] out string? problem)
    {
        profiles = null;
        var all = new WeightProfiles();
        problem = all.Put(DefaultName, defaultWeights);
        foreach ((string name, string text) in BuiltInTexts)
        {
            problem ??= all.Put(name, text);
        }
        var seen = new HashSet<string>(StringComparer.Ordinal) { DefaultName };
        foreach ((string name, string text) in extra)
        {
            if (problem is not null)
            {
                return false;
            }
            if (name.Length == 0 || !Texts.IsSlug(name, MaxNameChars))
            {
                problem = $"profile name '{name}' must be 1 to {MaxNameChars} lower-case letters, digits or any of . _ + -";
            }
            else if (!seen.Add(name))
            {
                problem = name == DefaultName
                    ? "profile 'default' is what DEFAULT_WEIGHTS sets"
                    : $"profile '{name}' is given twice";
            }
            else
            {
                problem = all.Put(name, text);
            }
        }
        if (problem is not null)
        {
            return false;
        }
        profiles = all;
        return true;
    }

    public bool TryGet(string name, out Weights weights) => _byName.TryGetValue(name, out weights);

    private string? Put(string name, string text)
    {
        if (!Weights.TryParse(text, out Weights weights, out string? problem))
        {
            return $"profile '{name}': {problem}";
        }
        _byName[name] = weights;
        return null;
    }
}

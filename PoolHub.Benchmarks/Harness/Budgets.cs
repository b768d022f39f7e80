using System.Text.Json;
using System.Text.Json.Serialization;

namespace PoolHub.Benchmarks.Harness;

/// <summary>What a row may cost. A row without a limit is told and not judged.</summary>
internal sealed record Budget
{
    public double? AtMost { get; init; }
    public double? AtLeast { get; init; }

    /// <summary>Where it should come to; missing it fails nothing.</summary>
    public double? Aim { get; init; }

    public bool Holds(double value) => !(AtMost is { } most && !(value <= most)) && !(AtLeast is { } least && !(value >= least));

    public override string ToString()
    {
        string limit = AtMost is { } most ? $"≤ {Units.Number(most)}" : AtLeast is { } least ? $"≥ {Units.Number(least)}" : "";
        return Aim is { } aim ? $"{limit} (aim {Units.Number(aim)})" : limit;
    }
}

/// <summary>budgets.json: a budget for every row, and no other.</summary>
internal static class Budgets
{
    public const string FileName = "budgets.json";

    /// <exception cref="InvalidDataException">The file does not fit the rows; says how.</exception>
    public static Dictionary<string, Budget> Read(string path, IEnumerable<string> rows)
    {
        Dictionary<string, Budget> budgets;
        try
        {
            budgets = JsonSerializer.Deserialize(File.ReadAllBytes(path), BudgetsJson.Default.DictionaryStringBudget)!;
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{FileName}: {e.Message}", e);
        }
        HashSet<string> measured = [.. rows];
        if (measured.FirstOrDefault(row => !budgets.ContainsKey(row)) is { } unlimited)
        {
            throw new InvalidDataException($"{FileName}: the row '{unlimited}' has no budget");
        }
        if (budgets.Keys.FirstOrDefault(row => !measured.Contains(row)) is { } unmeasured)
        {
            throw new InvalidDataException($"{FileName}: there is no row '{unmeasured}'");
        }
        return budgets;
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(Dictionary<string, Budget>))]
internal sealed partial class BudgetsJson : JsonSerializerContext;

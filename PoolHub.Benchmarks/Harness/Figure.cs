namespace PoolHub.Benchmarks.Harness;

/// <summary>One row of the table.</summary>
/// <param name="Row">Its name, as in the budgets.</param>
/// <param name="Measured">What was measured, for people.</param>
/// <param name="Reference">What it was measured against; empty when it stands alone.</param>
/// <param name="Value">What the budget judges.</param>
/// <param name="Unit">The unit of <paramref name="Value"/>.</param>
/// <param name="Fault">Why the measurement does not count, whatever its value; null when it does.</param>
internal sealed record Figure(string Row, string Measured, string Reference, double Value, string Unit = "×", string? Fault = null)
{
    /// <summary>What could not be measured here and is not held against the hub; it has no value.</summary>
    public bool Skipped { get; private init; }

    public static Figure Failed(string row, string fault) => new(row, "", "", double.NaN, Fault: fault);

    public static Figure Skip(string row, string why) => new(row, $"skipped: {why}", "", double.NaN) { Skipped = true };
}

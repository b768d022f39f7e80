using System.Globalization;

namespace PoolHub.Daemon.Matching;

/// <summary>How much each term of a score counts, divided by their sum: they add up to 1.</summary>
internal readonly record struct Weights(double Cap, double Price, double Latency, double Trust, double Load)
{
    public static readonly string[] Terms = ["cap", "price", "latency", "trust", "load"];

    /// <summary>More would gain nothing and could overflow the sum.</summary>
    private const double MaxWeight = 1_000_000;

    /// <summary>
    /// Reads <c>cap:0.4,price:0.2</c>. A term that is not named weighs nothing.
    /// </summary>
    public static bool TryParse(string text, out Weights weights, out string? problem)
    {
        weights = default;
        Span<double> values = stackalloc double[Terms.Length];
        values.Fill(double.NaN);
        foreach (string part in text.Split(',', StringSplitOptions.TrimEntries))
        {
            problem = TryReadPart(part, values);
            if (problem is not null)
            {
                return false;
            }
        }

        double sum = 0;
        foreach (ref double value in values)
        {
            value = double.IsNaN(value) ? 0 : value;
            sum += value;
        }
        if (sum <= 0)
        {
            problem = "at least one weight must be above 0";
            return false;
        }
        weights = new Weights(values[0] / sum, values[1] / sum, values[2] / sum, values[3] / sum, values[4] / sum);
        problem = null;
        return true;
    }

    private static string? TryReadPart(string part, Span<double> values)
    {
        int colon = part.IndexOf(':', StringComparison.Ordinal);
        if (colon < 0)
        {
            return $"'{part}' must read term:weight, such as cap:0.4";
        }
        string name = part[..colon].TrimEnd();
        int term = Array.IndexOf(Terms, name);
        if (term < 0)
        {
            return $"unknown term '{name}'; the terms are {string.Join(", ", Terms)}";
        }
        if (!double.IsNaN(values[term]))
        {
            return $"'{name}' is given twice";
        }
        string number = part[(colon + 1)..].TrimStart();
        if (!double.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) || !(value >= 0 && value <= MaxWeight))
        {
            return $"the weight of '{name}' must be a number from 0 to {MaxWeight}, not '{number}'";
        }
        values[term] = value;
        return null;
    }
}

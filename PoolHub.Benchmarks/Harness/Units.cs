using System.Globalization;

namespace PoolHub.Benchmarks.Harness;

/// <summary>Numbers for people: three digits that count, and thousands apart.</summary>
internal static class Units
{
    public static string Number(double value) => Math.Abs(value) switch
    {
        >= 100 => value.ToString("N0", CultureInfo.InvariantCulture),
        >= 10 => value.ToString("0.#", CultureInfo.InvariantCulture),
        >= 0.095 or 0 => value.ToString("0.##", CultureInfo.InvariantCulture),
        _ => value.ToString("0.####", CultureInfo.InvariantCulture),
    };

    public static string Time(double us) => us switch
    {
        >= 1_000_000 => $"{Number(us / 1_000_000)} s",
        >= 1_000 => $"{Number(us / 1_000)} ms",
        _ => $"{Number(us)} µs",
    };

    public static string Rate(double perSec) => $"{Number(perSec)}/s";
}

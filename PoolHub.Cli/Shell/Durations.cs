using System.Globalization;

namespace PoolHub.Cli.Shell;

/// <summary>Times as people write them: <c>90</c> and <c>90s</c> are seconds, <c>5m</c> minutes, <c>2h</c> hours.</summary>
internal static class Durations
{
    public static bool TryParse(string text, out TimeSpan duration)
    {
        duration = default;
        double unitSec = text.Length == 0 ? 0 : text[^1] switch
        {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            _ => 0,
        };
        string number = unitSec > 0 ? text[..^1] : text;
        if (!double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double count)
            || !(count > 0 && count * Math.Max(1, unitSec) <= TimeSpan.FromDays(365).TotalSeconds))
        {
            return false;
        }
        duration = TimeSpan.FromSeconds(count * (unitSec > 0 ? unitSec : 1));
        return true;
    }
}

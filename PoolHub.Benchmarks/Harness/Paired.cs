using System.Diagnostics;

namespace PoolHub.Benchmarks.Harness;

/// <summary>
/// Two things timed by turns, A, B, A, B …: whatever drifts on the machine meanwhile meets both, and the median of the
/// pairs' ratios does not see it.
/// </summary>
internal static class Paired
{
    /// <summary>A timed stretch is as long as this, in as many calls as it takes: far longer than reading the clock.</summary>
    private const double StretchMs = 1;

    private const int MinPairs = 5;

    /// <param name="measured">One call; is given the number of the call, to vary what it asks.</param>
    /// <param name="reference">Likewise.</param>
    /// <param name="duration">How long to go on.</param>
    /// <returns>Medians in microseconds for one call, and of the ratios.</returns>
    public static (double MeasuredUs, double ReferenceUs, double Ratio) Time(
        Action<int> measured, Action<int> reference, TimeSpan duration)
    {
        int measuredCalls = CallsPerStretch(measured);
        int referenceCalls = CallsPerStretch(reference);
        Samples ours = new();
        Samples theirs = new();
        Samples ratios = new();
        long begin = Stopwatch.GetTimestamp();
        for (int pair = 0; pair < MinPairs || Stopwatch.GetElapsedTime(begin) < duration; pair++)
        {
            double a = Stretch(measured, measuredCalls, pair);
            double b = Stretch(reference, referenceCalls, pair);
            ours.Add(a);
            theirs.Add(b);
            ratios.Add(a / b);
        }
        return (ours.Median, theirs.Median, ratios.Median);
    }

    private static int CallsPerStretch(Action<int> call)
    {
        call(0);
        int calls = 1;
        while (Stretch(call, calls, 0) * calls < StretchMs * 1_000)
        {
            calls *= 2;
        }
        return calls;
    }

    private static double Stretch(Action<int> call, int calls, int pair)
    {
        long begin = Stopwatch.GetTimestamp();
        for (int i = 0; i < calls; i++)
        {
            call((pair * calls) + i);
        }
        return Stopwatch.GetElapsedTime(begin).TotalMicroseconds / calls;
    }
}

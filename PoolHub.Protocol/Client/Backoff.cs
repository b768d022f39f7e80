namespace PoolHub.Protocol.Client;

/// <summary>
/// Exponential backoff with full jitter: a random pause from nothing to a ceiling that doubles with each failure. After an
/// outage it spreads a fleet's return evenly. Source: Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture
/// Blog, 2015.
/// </summary>
internal sealed class Backoff(TimeSpan min, TimeSpan max, Func<double> jitter)
{
    private int _failures;

    public void Reset() => _failures = 0;

    /// <summary>The next pause; never shorter than the hub asked for, and spread above that too.</summary>
    public TimeSpan Next(TimeSpan atLeast)
    {
        // 2^20 times the least pause is beyond any greatest one; the bound keeps the product finite.
        double ceilingMs = Math.Min(max.TotalMilliseconds, min.TotalMilliseconds * Math.Pow(2, Math.Min(_failures, 20)));
        _failures++;
        return atLeast + TimeSpan.FromMilliseconds(jitter() * ceilingMs);
    }

    /// <summary>The next pause is drawn from the whole range.</summary>
    public void Exhaust() => _failures = 20;
}

using System.Collections.Frozen;
using PoolHub.Daemon.Storage;

namespace PoolHub.Daemon.Trust;

/// <summary>
/// What an outcome teaches, as pure functions: the mean of a Beta distribution whose evidence decays exponentially, and
/// an ejection after failures in a row. See docs/scoring.md, "Trust".
/// </summary>
internal sealed class TrustModel(TrustOptions options)
{
    private readonly double _halfLifeMs = TimeSpan.FromDays(options.HalfLifeDays).TotalMilliseconds;

    public TrustOptions Options => options;

    /// <summary>The fail codes that are not the miner's fault; a reload may bring others.</summary>
    public FrozenSet<string> FailCodesNotMiner { get; set; } = options.FailCodesNotMiner;

    /// <summary>Whether the hub knows how to learn from it.</summary>
    public static bool IsOutcome(string? outcome) =>
        outcome is Outcomes.Accepted or Outcomes.Rejected or Outcomes.Failed or Outcomes.Completed;

    /// <summary>
    /// The trust after an outcome at <paramref name="now"/>. An earlier instant than the last one seen counts as that one.
    /// </summary>
    /// <param name="mayEject">False keeps a miner that ought to be ejected; it is when it fails again and may be.</param>
    public TrustState Learn(TrustState state, string outcome, string? failCode, DateTimeOffset now, bool mayEject)
    {
        double left = Left(state, now);
        // An instant that goes back would let the same time pass twice.
        state = state with { Good = state.Good * left, Bad = state.Bad * left, At = now > state.At ? now : state.At };
        if (state.EjectedUntil is { } ended && now - ended > TimeSpan.FromSeconds(options.ForgiveAfterSec))
        {
            state = state with { Ejections = 0, EjectedUntil = null };
        }
        state = outcome switch
        {
            Outcomes.Completed => state with { Good = state.Good + 1, FailuresInARow = 0 },
            Outcomes.Failed when IsMinersFault(failCode) => Fail(state, now, mayEject),
            Outcomes.Rejected => state with { Bad = state.Bad + options.RejectedWeight },
            _ => state,
        };
        return state with { Score = Score(state, now) };
    }

    /// <summary>
    /// (prior good + good) / (prior good + prior bad + good + bad), the evidence decayed to <paramref name="now"/>:
    /// above 0 and below 1.
    /// </summary>
    public double Score(in TrustState state, DateTimeOffset now)
    {
        double left = Left(state, now);
        double good = options.PriorGood + (state.Good * left);
        return good / (good + options.PriorBad + (state.Bad * left));
    }

    /// <summary>
    /// Whether an ejection is running. One that ends later than any could is a clock's doing (it has gone back since) and
    /// does not count, or a miner would be kept out for as long as the clock was wrong.
    /// </summary>
    public bool IsEjected(in TrustState state, DateTimeOffset now) =>
        state.EjectedUntil > now && state.EjectedUntil <= now + TimeSpan.FromSeconds(options.EjectionCapSec);

    /// <summary>How many of a fleet may be ejected at once.</summary>
    public int MaxEjected(int fleetSize) => (int)Math.Floor((fleetSize * options.MaxEjectedShare) + 1e-9);

    private bool IsMinersFault(string? failCode) => failCode is null || !FailCodesNotMiner.Contains(failCode);

    private TrustState Fail(TrustState state, DateTimeOffset now, bool mayEject)
    {
        state = state with { Bad = state.Bad + 1 };
        if (IsEjected(state, now))
        {
            // The jobs that ran when it was ejected belong to the incident that it is ejected for.
            return state;
        }
        int inARow = state.FailuresInARow + 1;
        if (inARow < options.FailuresToEject || !mayEject)
        {
            return state with { FailuresInARow = inARow };
        }
        int ejections = state.Ejections + 1;
        double sec = Math.Min(options.EjectionCapSec, (double)options.EjectionStepSec * ejections);
        return state with { FailuresInARow = 0, Ejections = ejections, EjectedUntil = now.AddSeconds(sec) };
    }

    /// <summary>What is left of the evidence, 0 to 1.</summary>
    private double Left(in TrustState state, DateTimeOffset now)
    {
        double elapsedMs = (now - state.At).TotalMilliseconds;
        return elapsedMs <= 0 ? 1 : Math.Pow(2, -elapsedMs / _halfLifeMs);
    }
}

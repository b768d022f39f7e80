namespace PoolHub.Daemon.Matching;

/// <summary>
/// The five terms of a score, each from 0 to 1, and what they add up to; defined in docs/scoring.md. The order of the
/// operations is part of the definition: equal inputs must give the very same double everywhere.
/// </summary>
internal static class Scoring
{
    /// <summary>What a miner gets for a latency of which nothing is known: the median's place.</summary>
    public const double UnknownLatencyNorm = 0.5;

    /// <exception cref="ArgumentOutOfRangeException">It is not from 0 to 1.</exception>
    public static void CheckTrust(double trust)
    {
        if (!(trust >= 0 && trust <= 1))
        {
            throw new ArgumentOutOfRangeException(nameof(trust), trust, "must be from 0 to 1");
        }
    }

    /// <summary>The share of the requested capabilities that the miner has; 1 when none are requested.</summary>
    public static double CapFit(int has, int requested) => requested == 0 ? 1.0 : (double)has / requested;

    /// <summary>
    /// How far below the ceiling the price lies. The ceiling is the request's own or the dearest live price; that one
    /// may be older than the price by a moment, hence the floor at 0.
    /// </summary>
    public static double PriceNorm(long priceE8, long ceilingE8)
    {
        if (ceilingE8 == 0)
        {
            return priceE8 == 0 ? 1.0 : 0.0;
        }
        return Math.Max(0.0, 1.0 - ((double)priceE8 / ceilingE8));
    }

    /// <summary>One minus the mid-rank percentile of a latency among those known in its region.</summary>
    /// <param name="below">How many are faster.</param>
    /// <param name="equal">How many share its bucket, itself included.</param>
    /// <param name="known">How many there are; at least 1.</param>
    public static double LatencyNorm(int below, int equal, int known) => 1.0 - ((below + (equal * 0.5)) / known);

    public static double LoadNorm(int free, int load) => (double)free / ((double)free + load + 1.0);

    public static double Score(in Weights weights, double cap, double price, double latency, double trust, double load) =>
        (weights.Cap * cap) + (weights.Price * price) + (weights.Latency * latency) + (weights.Trust * trust) + (weights.Load * load);

    /// <summary>
    /// rtt + service × (1 + load / max_parallel), rounded up in whole numbers; -1 when the service time is unknown. An
    /// unknown round trip counts as nothing: it is small beside any job.
    /// </summary>
    public static int EtaMs(int rttMs, int serviceMs, int load, int maxParallel)
    {
        if (serviceMs < 0)
        {
            return -1;
        }
        long work = (long)serviceMs * ((long)maxParallel + load);
        long eta = Math.Max(rttMs, 0) + ((work + maxParallel - 1) / maxParallel);
        return (int)Math.Min(eta, int.MaxValue);
    }
}

namespace PoolHub.Daemon.Matching;

/// <summary>The best figures of a segment's miners, each perhaps of another miner: no score goes beyond them.</summary>
internal struct Peaks()
{
    public double Trust = 0;
    public double LatencyNorm = 0;

    /// <summary>That of an idle miner.</summary>
    public double LoadNorm = 0;

    public void Raise(int maxParallel) => LoadNorm = Math.Max(LoadNorm, Scoring.LoadNorm(maxParallel, 0));
}

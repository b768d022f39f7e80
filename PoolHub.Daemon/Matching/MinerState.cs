using PoolHub.Protocol;

namespace PoolHub.Daemon.Matching;

/// <summary>One miner of the index as it was at one moment: all that a clause or a score asks for.</summary>
internal readonly struct MinerState
{
    public Offer Offer { get; init; }
    public int Slot { get; init; }
    public bool Available { get; init; }
    public bool Degraded { get; init; }

    /// <summary>The live price; that of the profile is the one registered.</summary>
    public long PriceE8 { get; init; }
    public double Trust { get; init; }

    /// <summary>0 to 1.</summary>
    public double LatencyNorm { get; init; }
    public int Load { get; init; }
    public int MaxParallel { get; init; }

    /// <summary>-1 when unknown, as the next.</summary>
    public int RttMs { get; init; }
    public int ServiceMs { get; init; }

    public MinerProfile Profile => Offer.Profile;
    public int Free => MaxParallel - Load;

    /// <summary>-1 when unknown.</summary>
    public int EtaMs => Scoring.EtaMs(RttMs, ServiceMs, Load, MaxParallel);

    /// <summary>The place that the miner would have in an answer, provided that it passes.</summary>
    /// <param name="query">The query.</param>
    /// <param name="ceilingE8">What prices are measured against.</param>
    public MatchCandidate ToCandidate(MatchQuery query, long ceilingE8)
    {
        string[] capabilities = Offer.Profile.Capabilities;
        int had = query.Capabilities.Count(capabilities.Contains);
        double cap = Scoring.CapFit(had, query.Capabilities.Length);
        double price = Scoring.PriceNorm(PriceE8, ceilingE8);
        double load = Scoring.LoadNorm(Free, Load);
        ulong idHash = StableHash.Of(Offer.MinerId);
        return new MatchCandidate
        {
            Offer = Offer,
            Slot = Slot,
            Degraded = Degraded,
            Score = Scoring.Score(query.Weights, cap, price, LatencyNorm, Trust, load),
            CapFit = cap,
            PriceNorm = price,
            LatencyNorm = LatencyNorm,
            Trust = Trust,
            LoadNorm = load,
            CapsHad = had,
            Price = new TokenPrice(PriceE8),
            RttMs = RttMs,
            Load = Load,
            Free = Free,
            EtaMs = EtaMs,
            IdHash = idHash,
            TieHash = StableHash.Pair(query.JobHash, idHash),
        };
    }
}

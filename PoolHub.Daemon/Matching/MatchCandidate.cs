using PoolHub.Protocol;

namespace PoolHub.Daemon.Matching;

/// <summary>One place of an answer: a miner as it was when it was scored.</summary>
internal struct MatchCandidate
{
    public Offer Offer;
    public int Slot;
    public bool Degraded;
    public double Score;

    /// <summary>The five terms, each from 0 to 1.</summary>
    public double CapFit;
    public double PriceNorm;
    public double LatencyNorm;
    public double Trust;
    public double LoadNorm;

    /// <summary>What they were made from. The price is the live one, not that of the profile.</summary>
    public int CapsHad;
    public TokenPrice Price;

    /// <summary>-1 when unknown.</summary>
    public int RttMs;

    /// <summary>Jobs that run or wait, and slots held.</summary>
    public int Load;
    public int Free;

    /// <summary>-1 when unknown.</summary>
    public int EtaMs;

    /// <summary>The miner's half of the tie-break.</summary>
    public ulong IdHash;

    /// <summary>The last word but one between equals; see <see cref="StableHash.Pair"/>.</summary>
    public ulong TieHash;

    /// <summary>Whether this one comes before the other in an answer. Total: no two miners are equal.</summary>
    public readonly bool IsBefore(in MatchCandidate other)
    {
        if (Degraded != other.Degraded)
        {
            return other.Degraded;
        }
        if (Score != other.Score)
        {
            return Score > other.Score;
        }
        if (Free != other.Free)
        {
            return Free > other.Free;
        }
        if (TieHash != other.TieHash)
        {
            return TieHash < other.TieHash;
        }
        return string.CompareOrdinal(Offer.MinerId, other.Offer.MinerId) < 0;
    }
}

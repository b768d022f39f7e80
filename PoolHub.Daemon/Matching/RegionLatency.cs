using System.Numerics;
using PoolHub.Protocol;

namespace PoolHub.Daemon.Matching;

/// <summary>
/// How the round trips of one region are spread, as of the last refresh. Between two refreshes the ranks stand still,
/// so the same query gives the same answer although heartbeats come in.
/// </summary>
internal sealed class RegionLatency
{
    /// <summary>Below this a bucket is 1 ms wide.</summary>
    private const int LinearMs = 128;
    private const int LinearBits = 7;

    /// <summary>Above it each doubling is cut into 32 buckets: at most 3 % of the latency wide.</summary>
    private const int OctaveBits = 5;

    private int[] _counts = [];
    private volatile Ranks? _ranks;

    /// <summary>The norm of each bucket from <see cref="First"/> on, cut to the buckets in use.</summary>
    private sealed record Ranks(int First, double[] Norms);

    /// <summary>How many miners are in the region.</summary>
    public int Miners { get; set; }

    public static int Bucket(int rttMs)
    {
        int ms = Math.Min(rttMs, Limits.MaxLatencyMs);
        if (ms < LinearMs)
        {
            return ms;
        }
        int octave = BitOperations.Log2((uint)ms);
        int within = (ms >> (octave - OctaveBits)) & ((1 << OctaveBits) - 1);
        return LinearMs + ((octave - LinearBits) << OctaveBits) + within;
    }

    public double Norm(int rttMs)
    {
        Ranks? ranks = _ranks;
        if (rttMs < 0 || ranks is null)
        {
            return Scoring.UnknownLatencyNorm;
        }
        int bucket = Bucket(rttMs) - ranks.First;
        if (bucket < 0)
        {
            return 1.0;
        }
        return bucket < ranks.Norms.Length ? ranks.Norms[bucket] : 0.0;
    }

    /// <summary>Counts one miner for the ranks to come.</summary>
    public void Count(int rttMs)
    {
        int bucket = Bucket(rttMs);
        if (bucket >= _counts.Length)
        {
            Array.Resize(ref _counts, (int)BitOperations.RoundUpToPowerOf2((uint)bucket + 1));
        }
        _counts[bucket]++;
    }

    /// <summary>Makes what was counted the ranks that queries see, and starts a new count.</summary>
    public void Publish()
    {
        int first = _counts.AsSpan().IndexOfAnyExcept(0);
        if (first < 0)
        {
            _ranks = null;
            return;
        }
        Span<int> counts = _counts.AsSpan(first, _counts.AsSpan().LastIndexOfAnyExcept(0) - first + 1);
        int known = 0;
        foreach (int count in counts)
        {
            known += count;
        }
        double[] norms = new double[counts.Length];
        int below = 0;
        for (int i = 0; i < counts.Length; i++)
        {
            norms[i] = Scoring.LatencyNorm(below, counts[i], known);
            below += counts[i];
        }
        counts.Clear();
        _ranks = new Ranks(first, norms);
    }
}

using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using PoolHub.Protocol;

namespace PoolHub.Daemon.Matching;

/// <summary>
/// A match as it was decided. Small, since thousands are kept and one is made with every match: what can be worked out
/// from the query and the miner's card is, when somebody asks.
/// </summary>
internal sealed class Decision
{
    /// <summary>The objects of a decision and of its query, without texts.</summary>
    private const int EmptyBytes = 1_024;

    /// <summary>A text's object and its place in a list.</summary>
    private const int TextBytes = 40;

    /// <summary>A string's object without its characters.</summary>
    private const int StringBytes = 24;

    private readonly Counts _left;
    private readonly Kept[] _kept;

    public Decision(Guid id, MatchQuery query, MatchResult result)
    {
        (Id, Query, Short) = (id, query, result.Short);
        foreach (Clause clause in Clauses.All)
        {
            _left[(int)clause] = result.Left(clause);
        }
        ReadOnlySpan<MatchCandidate> candidates = result.Candidates;
        _kept = candidates.IsEmpty ? [] : new Kept[candidates.Length];
        for (int i = 0; i < _kept.Length; i++)
        {
            _kept[i] = new Kept(in candidates[i]);
        }
        Bytes = EmptyBytes + (_kept.Length * Unsafe.SizeOf<Kept>()) + _kept.Sum(kept => kept.Bytes) + BytesOf(query);
    }

    public Guid Id { get; }
    public MatchQuery Query { get; }

    /// <inheritdoc cref="MatchResult.Short"/>
    public HoldQuota? Short { get; }

    public string IdText => Id.ToString("N");

    /// <summary>The moment of the fleet that was matched; the id begins with it.</summary>
    public DateTimeOffset MatchedAt
    {
        get
        {
            Span<byte> bytes = stackalloc byte[16];
            _ = Id.TryWriteBytes(bytes, bigEndian: true, out _);
            return DateTimeOffset.FromUnixTimeMilliseconds(BinaryPrimitives.ReadInt64BigEndian(bytes) >> 16);
        }
    }

    /// <summary>
    /// About how much memory it keeps alive. Texts that miners still have are counted as well: they may go at any time.
    /// </summary>
    public int Bytes { get; }

    /// <summary>How many miners passed every clause.</summary>
    public int Passing => Left(Clauses.All.Last(Query.Asks));

    public int Left(Clause clause) => _left[(int)clause];

    /// <summary>Best first. What only orders candidates is left out.</summary>
    public MatchCandidate[] Candidates() => Array.ConvertAll(_kept, kept => kept.ToCandidate(Query));

    /// <summary>Only what has no small limit of its own.</summary>
    private static int BytesOf(MatchQuery query)
    {
        int bytes = query.JobId.Length * sizeof(char);
        foreach (string[] terms in (ReadOnlySpan<string[]>)[query.Accel, query.Capabilities, query.Tags, query.Exclude])
        {
            foreach (string term in terms)
            {
                bytes += TextBytes + (term.Length * sizeof(char));
            }
        }
        return bytes;
    }

    /// <summary>One for each clause, in the decision itself.</summary>
    [InlineArray((int)Clause.DeadlineMs + 1)]
    private struct Counts
    {
        private int _first;
    }

    private readonly struct Kept
    {
        // Not the card: that of a miner which changes its profile all the time would be another for each match.
        private readonly string _minerId;
        private readonly string _addr;
        private readonly string _proto;
        private readonly long _ownPriceE8;
        private readonly int _maxParallel;
        private readonly long _priceE8;
        private readonly double _priceNorm;
        private readonly double _latencyNorm;
        private readonly double _trust;
        private readonly int _rttMs;
        private readonly int _load;
        private readonly int _etaMs;
        private readonly byte _capsHad;
        private readonly bool _degraded;

        public Kept(in MatchCandidate candidate)
        {
            MinerProfile profile = candidate.Offer.Profile;
            (_minerId, _addr, _proto) = (candidate.Offer.MinerId, profile.Addr, profile.Proto);
            (_ownPriceE8, _maxParallel) = (profile.Price.E8, profile.MaxParallel);
            (_priceE8, _degraded) = (candidate.Price.E8, candidate.Degraded);
            (_priceNorm, _latencyNorm, _trust) = (candidate.PriceNorm, candidate.LatencyNorm, candidate.Trust);
            (_rttMs, _load, _etaMs, _capsHad) = (candidate.RttMs, candidate.Load, candidate.EtaMs, (byte)candidate.CapsHad);
        }

        /// <summary>Of what it refers to.</summary>
        public int Bytes => (3 * StringBytes) + ((_minerId.Length + _addr.Length + _proto.Length) * sizeof(char));

        /// <summary>Its card says only what an answer tells.</summary>
        public MatchCandidate ToCandidate(MatchQuery query)
        {
            int free = _maxParallel - _load;
            double cap = Scoring.CapFit(_capsHad, query.Capabilities.Length);
            double load = Scoring.LoadNorm(free, _load);
            return new MatchCandidate
            {
                Offer = new Offer(_minerId, new MinerProfile
                {
                    Addr = _addr,
                    Proto = _proto,
                    Price = new TokenPrice(_ownPriceE8),
                    MaxParallel = _maxParallel,
                }),
                Degraded = _degraded,
                Score = Scoring.Score(query.Weights, cap, _priceNorm, _latencyNorm, _trust, load),
                CapFit = cap,
                PriceNorm = _priceNorm,
                LatencyNorm = _latencyNorm,
                Trust = _trust,
                LoadNorm = load,
                CapsHad = _capsHad,
                Price = new TokenPrice(_priceE8),
                RttMs = _rttMs,
                Load = _load,
                Free = free,
                EtaMs = _etaMs,
            };
        }
    }
}

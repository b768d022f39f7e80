using System.Buffers;
using PoolHub.Protocol.Http;

namespace PoolHub.Daemon.Matching;

/// <summary>
/// What every clause of a query does to every miner: a plain walk over the index, for answers that people read. It
/// holds nothing, and takes no lock that a match would not.
/// </summary>
internal sealed class Diagnosis
{
    private readonly MatchQuery _query;
    private readonly long _ceilingE8;
    private readonly ClauseRule[] _rules;
    private readonly int[] _left;
    private readonly SortedDictionary<decimal, (ClauseValue? To, int Miners)>[] _steps;
    private readonly TopCandidates _best = new();

    /// <param name="index">The index.</param>
    /// <param name="query">The query.</param>
    /// <param name="subject">A miner that passes and whose rank is wanted; as it is here, not as it may be meanwhile.</param>
    public Diagnosis(MatchIndex index, MatchQuery query, MinerState? subject = null)
    {
        _query = query;
        _ceilingE8 = query.MaxPriceE8 ?? index.DearestE8;
        _best.Reset(query.TopK, query.SpreadBy);
        _rules = [.. ClauseRule.All.Where(rule => query.Asks(rule.Clause))];
        _left = new int[_rules.Length];
        _steps = [.. _rules.Select(_ => new SortedDictionary<decimal, (ClauseValue? To, int Miners)>())];
        if (subject is { } miner)
        {
            Subject = miner.ToCandidate(query, _ceilingE8);
            Rank = 1;
            Judge(miner);
        }
        MinerState[] buffer = ArrayPool<MinerState>.Shared.Rent(Segment.Size);
        for (int segment = 0; segment < index.SegmentCount; segment++)
        {
            int count = index.ReadSegment(segment, buffer);
            for (int i = 0; i < count; i++)
            {
                if (buffer[i].Offer.MinerId != subject?.Offer.MinerId)
                {
                    Judge(buffer[i]);
                }
            }
        }
        ArrayPool<MinerState>.Shared.Return(buffer, clearArray: true);
        Best = _best.Arrange().ToArray();
    }

    /// <summary>How many miners pass every clause.</summary>
    public int Passing { get; private set; }

    public MatchCandidate? Subject { get; }

    /// <summary>The subject's place among those that pass, from 1.</summary>
    public int Rank { get; private set; }

    /// <summary>As a match would answer: best first, as many as were asked for.</summary>
    public IReadOnlyList<MatchCandidate> Best { get; }

    /// <summary>
    /// The clauses that the query asks, in order. For each, how many miners pass it and all before it, and those that
    /// fail it alone: by the step that each needs, the shortest first.
    /// </summary>
    public IEnumerable<(ClauseRule Rule, int Left, IReadOnlyCollection<(ClauseValue? To, int Miners)> Steps)> Clauses =>
        _rules.Select((rule, i) => (rule, _left[i], (IReadOnlyCollection<(ClauseValue?, int)>)[.. _steps[i].Values]));

    /// <summary>The miner that has this slot; null when none has.</summary>
    public static MinerState? Find(MatchIndex index, int slot)
    {
        MinerState[] buffer = ArrayPool<MinerState>.Shared.Rent(Segment.Size);
        int count = index.ReadSegment(slot >> Segment.SizeBits, buffer);
        int at = Array.FindIndex(buffer, 0, count, miner => miner.Slot == slot);
        MinerState? found = at < 0 ? null : buffer[at];
        ArrayPool<MinerState>.Shared.Return(buffer, clearArray: true);
        return found;
    }

    private void Judge(MinerState miner)
    {
        int failed = -1;
        for (int i = 0; i < _rules.Length; i++)
        {
            if (!_rules[i].Passes(_query, miner))
            {
                if (failed >= 0)
                {
                    return;
                }
                failed = i;
            }
            else if (failed < 0)
            {
                _left[i]++;
            }
        }
        if (failed >= 0)
        {
            Step step = _rules[failed].StepTo(_query, miner);
            _ = _steps[failed].TryGetValue(step.Distance, out (ClauseValue?, int Miners) before);
            _steps[failed][step.Distance] = (step.To, before.Miners + 1);
            return;
        }
        MatchCandidate candidate = miner.ToCandidate(_query, _ceilingE8);
        Passing++;
        Rank += Subject is { } subject && candidate.IsBefore(in subject) ? 1 : 0;
        _best.Offer(in candidate);
    }
}

namespace PoolHub.Daemon.Matching;

/// <summary>Leads a search through the segments of an index. Each is seen as it was at one moment.</summary>
/// <param name="segments">The segments.</param>
/// <param name="terms">Where a query's terms are looked up.</param>
/// <param name="writer">The lock under which segments are written.</param>
internal sealed class IndexSearch(SegmentTable segments, TermCatalogue terms, Lock writer)
{
    /// <summary>Reads of one segment before the search takes the lock; writers would have to be very busy.</summary>
    private const int MaxReads = 8;

    /// <param name="query">The query.</param>
    /// <param name="slotOf">The slot of a miner; -1 when it has none.</param>
    /// <param name="result">Gets the answer.</param>
    public void Run(MatchQuery query, Func<string, int> slotOf, MatchResult result)
    {
        long ceilingE8 = query.MaxPriceE8 ?? segments.DearestE8;
        if (result.Repeated.Find(query, this) is { } repeated)
        {
            repeated.MeasureBy(ceilingE8);
            while (!TryRepeat(repeated, query, slotOf, result))
            {
                repeated.Restart();
            }
            result.Complete(repeated.Left);
            return;
        }
        SegmentScan scan = result.Scan;
        result.Best.Reset(query.TopK, query.SpreadBy);
        scan.Begin(query, terms, slotOf, ceilingE8, result.Best);
        Segment[] all = segments.All;
        for (int i = 0; i < all.Length; i++)
        {
            if (scan.PassesOver(i))
            {
                scan.Count(segments.CountOf(i));
            }
            else
            {
                _ = Scan(all[i], scan);
            }
        }
        result.Complete(scan.Left);
    }

    /// <summary>False when too few are known any more; all segments have to be looked at then.</summary>
    private bool TryRepeat(RepeatedSearch repeated, MatchQuery query, Func<string, int> slotOf, MatchResult result)
    {
        Segment[] all = segments.All;
        ReadOnlySpan<int> changed = repeated.TakeChanged(all);
        if (!changed.IsEmpty)
        {
            SegmentScan scan = result.Scan;
            scan.Begin(query, terms, slotOf, repeated.CeilingE8, repeated.Kept);
            Span<int> counted = stackalloc int[Clauses.Count];
            counted.Clear();
            foreach (int i in changed)
            {
                long stamp = all[i].ReadStamp();
                if (scan.PassesOver(i))
                {
                    (counted[(int)Clause.Online], counted[(int)Clause.Available]) = segments.CountOf(i);
                    repeated.Keep(i, stamp, counted);
                }
                else
                {
                    repeated.Keep(i, Scan(all[i], scan), scan.LastLeft);
                }
            }
        }
        return repeated.TryAnswer(query, result.Best);
    }

    /// <summary>Returns the segment's stamp from before it was read as it stayed.</summary>
    private long Scan(Segment segment, SegmentScan scan)
    {
        for (int i = 0; i < MaxReads; i++)
        {
            long stamp = segment.ReadStamp();
            if (Segment.IsWhole(stamp))
            {
                scan.Run(segment);
                if (segment.IsUnchanged(stamp))
                {
                    scan.Accept();
                    return stamp;
                }
            }
            else
            {
                Thread.SpinWait(32);
            }
        }
        lock (writer)
        {
            long stamp = segment.ReadStamp();
            scan.Run(segment);
            scan.Accept();
            return stamp;
        }
    }
}

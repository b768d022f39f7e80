namespace PoolHub.Daemon.Matching;

/// <summary>
/// The latencies of every region, by its exact name. Changed under the index's lock. A region that everybody left is
/// forgotten at the next refresh and not before: whoever returns earlier is ranked as the others still are.
/// </summary>
internal sealed class LatencyRanks
{
    private readonly Dictionary<string, RegionLatency> _regions = new(StringComparer.Ordinal);

    /// <summary>How many miners a region has.</summary>
    public int Miners(string region) => Find(region)?.Miners ?? 0;

    public RegionLatency Enter(string region)
    {
        RegionLatency latency = Of(region);
        latency.Miners++;
        return latency;
    }

    /// <summary>Null when nobody is in the region.</summary>
    public RegionLatency? Find(string region) => _regions.GetValueOrDefault(region);

    /// <summary>That of a region that somebody enters.</summary>
    public RegionLatency Of(string region)
    {
        if (!_regions.TryGetValue(region, out RegionLatency? latency))
        {
            latency = new RegionLatency();
            _regions.Add(region, latency);
        }
        return latency;
    }

    public static void Leave(RegionLatency region) => region.Miners--;

    /// <summary>Counts a segment's round trips for the ranks to come.</summary>
    public static void Count(Segment segment)
    {
        for (int offset = 0; offset < Segment.Size; offset++)
        {
            int rttMs = Volatile.Read(ref segment.Figures(offset).RttMs);
            if (rttMs >= 0 && segment.Region[offset] is { } region)
            {
                region.Count(rttMs);
            }
        }
    }

    /// <summary>Makes what was counted the ranks to go by.</summary>
    public void Publish()
    {
        foreach ((string name, RegionLatency region) in _regions)
        {
            region.Publish();
            if (region.Miners == 0)
            {
                _regions.Remove(name);
            }
        }
    }
}

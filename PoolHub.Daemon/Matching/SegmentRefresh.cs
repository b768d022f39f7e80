using PoolHub.Protocol;

namespace PoolHub.Daemon.Matching;

/// <summary>
/// What one segment gets once a second: each miner's place among the latencies of its region, and bounds and ranks
/// that fit again. Worked out first, so that the segment is marked as changing only while it changes.
/// </summary>
internal sealed class SegmentRefresh
{
    private readonly double[] _norms = new double[Segment.Size];

    public ColumnSteps<long> Price { get; } = new(segment => ref segment.PriceE8);
    public ColumnSteps<float> Vram { get; } = new(segment => ref segment.VramGb);
    public ColumnSteps<float> Ram { get; } = new(segment => ref segment.RamGb);

    /// <summary>Called under the index's lock, before the segments.</summary>
    /// <param name="segments">All segments.</param>
    /// <param name="changes">Profiles and prices set so far, ever.</param>
    public void RenewSteps(Segment[] segments, int changes)
    {
        Price.Renew(segments, changes);
        Vram.Renew(segments, changes);
        Ram.Renew(segments, changes);
    }

    /// <summary>Makes the steps fit a fleet that comes at once.</summary>
    public void ChooseSteps(Newcomer[] miners, int changes)
    {
        List<long> prices = [];
        List<float> vram = [];
        List<float> ram = [];
        for (int i = 0; i < miners.Length; i += Steps<long>.Stride(miners.Length))
        {
            MinerProfile profile = miners[i].Profile;
            prices.Add(miners[i].Price.E8);
            vram.Add((float)profile.GpuVramGb);
            ram.Add((float)profile.RamGb);
        }
        Price.Choose(prices, changes);
        Vram.Choose(vram, changes);
        Ram.Choose(ram, changes);
    }

    /// <summary>Called under the index's lock.</summary>
    public void Run(Segment segment)
    {
        var peaks = new Peaks();
        bool moved = false;
        for (int offset = 0; offset < Segment.Size; offset++)
        {
            ref SlotFigures figures = ref segment.Figures(offset);
            double norm = segment.Region[offset]?.Norm(Volatile.Read(ref figures.RttMs)) ?? 0;
            _norms[offset] = norm;
            moved |= norm != figures.LatencyNorm;
            if (figures.MaxParallel > 0)
            {
                peaks.LatencyNorm = Math.Max(peaks.LatencyNorm, norm);
                peaks.Trust = Math.Max(peaks.Trust, figures.Trust);
                peaks.Raise(figures.MaxParallel);
            }
        }
        segment.BeginWrite();
        if (moved)
        {
            for (int offset = 0; offset < Segment.Size; offset++)
            {
                segment.SetLatencyNorm(offset, _norms[offset]);
            }
        }
        segment.Peaks = peaks;
        segment.PriceE8.Renew(Price.Current);
        segment.VramGb.Renew(Vram.Current);
        segment.RamGb.Renew(Ram.Current);
        segment.EndWrite();
    }
}

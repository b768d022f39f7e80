using System.Text;
using PoolHub.Protocol;
using PoolHub.Protocol.Http;

namespace PoolHub.Tests.Matching;

internal sealed class ReferenceMiner
{
    public required string Id { get; init; }
    public required MinerProfile Profile { get; set; }
    public required TokenPrice Price { get; set; }
    public required bool Degraded { get; set; }
    public required bool Available { get; set; }
    public required double Trust { get; set; }
    public int Load { get; set; }
    public int Held { get; set; }

    /// <summary>Slots that are not free: what heartbeats said and what is held.</summary>
    public int Taken => Load + Held;
    public int RttMs { get; set; } = -1;
    public int ServiceMs { get; set; } = -1;

    /// <summary>As of the last refresh in this region.</summary>
    public double LatencyNorm { get; set; } = 0.5;
}

internal sealed record ReferencePlace(
    ReferenceMiner Miner, double Score, double Cap, double Price, double Latency, double Trust, double LoadNorm, int Free, int? EtaMs);

internal sealed record ReferenceAnswer(List<ReferencePlace> Places, List<ClauseCount> Clauses);

/// <summary>
/// docs/scoring.md once more, plain and slow: a list, LINQ and formulas of its own. It shares nothing with the index,
/// so that a mistake has to be made twice to go unseen.
/// </summary>
internal sealed class ReferenceFleet
{
    public List<ReferenceMiner> Miners { get; } = [];

    public void RefreshLatencyRanks()
    {
        Dictionary<string, List<int>> latencies = Miners
            .Where(miner => miner.RttMs >= 0)
            .GroupBy(miner => miner.Profile.Region)
            .ToDictionary(region => region.Key, region => region.Select(miner => BucketStart(miner.RttMs)).ToList());
        Dictionary<(string, int), double> norms = latencies
            .SelectMany(region => region.Value.Distinct().Select(bucket => (region.Key, bucket)))
            .ToDictionary(place => place, place => LatencyNorm(place.bucket, latencies[place.Key]));
        foreach (ReferenceMiner miner in Miners)
        {
            miner.LatencyNorm = miner.RttMs < 0 ? 0.5 : norms[(miner.Profile.Region, BucketStart(miner.RttMs))];
        }
    }

    /// <param name="request">A valid request.</param>
    /// <param name="weights">cap, price, latency, trust, load; any sum.</param>
    public ReferenceAnswer Match(MatchRequest request, double[] weights)
    {
        MatchRequirements needs = request.Requirements ?? new();
        MatchHints hints = request.Hints ?? new();
        var clauses = new List<ClauseCount>();
        List<ReferenceMiner> left = Miners;
        foreach ((string clause, Func<ReferenceMiner, bool> passes) in Clauses(request))
        {
            left = [.. left.Where(passes)];
            clauses.Add(new ClauseCount { Clause = clause, Left = left.Count });
        }

        long ceiling = hints.MaxPrice?.E8 ?? Miners.Select(miner => miner.Price.E8).DefaultIfEmpty().Max();
        string[] asked = [.. (needs.CapabilitiesAny ?? []).Distinct()];
        double sum = weights[0] + weights[1] + weights[2] + weights[3] + weights[4];
        double[] w = [.. weights.Select(weight => weight / sum)];
        IEnumerable<ReferencePlace> places = left.Select(miner =>
        {
            double cap = asked.Length == 0 ? 1 : asked.Count(miner.Profile.Capabilities.Contains) / (double)asked.Length;
            double price = ceiling == 0 ? 1 : 1 - (miner.Price.E8 / (double)ceiling);
            double latency = miner.LatencyNorm;
            int free = miner.Profile.MaxParallel - miner.Taken;
            double load = free / (free + miner.Taken + 1.0);
            double score = (w[0] * cap) + (w[1] * price) + (w[2] * latency) + (w[3] * miner.Trust) + (w[4] * load);
            return new ReferencePlace(miner, score, cap, price, latency, miner.Trust, load, free, EtaMs(miner));
        });
        return new ReferenceAnswer(
            [.. places
                .OrderBy(place => place.Miner.Degraded)
                .ThenByDescending(place => place.Score)
                .ThenByDescending(place => place.Free)
                .ThenBy(place => Hash(request.JobId!, place.Miner.Id))
                .ThenBy(place => place.Miner.Id, StringComparer.Ordinal)
                .DistinctBy(place => Group(place.Miner, request.SpreadBy))
                .Take(request.TopK ?? 3)],
            clauses);
    }

    /// <summary>The clauses that a request asks, in order.</summary>
    public static List<(string Clause, Func<ReferenceMiner, bool> Passes)> Clauses(MatchRequest request)
    {
        MatchRequirements needs = request.Requirements ?? new();
        MatchHints hints = request.Hints ?? new();
        var clauses = new List<(string, Func<ReferenceMiner, bool>)>();
        void Keep(string clause, bool asked, Func<ReferenceMiner, bool> passes)
        {
            if (asked)
            {
                clauses.Add((clause, passes));
            }
        }

        Keep("online", true, _ => true);
        Keep("available", true, miner => miner.Available);
        Keep("exclude", request.Exclude is { Length: > 0 }, miner => !request.Exclude!.Contains(miner.Id));
        Keep("region", hints.Region is { Length: > 0 }, miner => Within(miner.Profile.Region, hints.Region!));
        Keep("accel", needs.Accel is { Length: > 0 }, miner => miner.Profile.Accel.Intersect(needs.Accel!).Any());
        Keep("task", needs.Task is not null, miner => RunsTask(miner.Profile, needs.Task!));
        Keep("capabilities_any", needs.CapabilitiesAny is { Length: > 0 },
            miner => miner.Profile.Capabilities.Intersect(needs.CapabilitiesAny!).Any());
        Keep("tags_any", needs.TagsAny is { Length: > 0 }, miner => miner.Profile.Tags.Intersect(needs.TagsAny!).Any());
        Keep("min_vram_gb", needs.MinVramGb is not null, miner => (float)miner.Profile.GpuVramGb >= (float)needs.MinVramGb!);
        Keep("min_ram_gb", needs.MinRamGb is not null, miner => (float)miner.Profile.RamGb >= (float)needs.MinRamGb!);
        Keep("max_price", hints.MaxPrice is not null, miner => miner.Price <= hints.MaxPrice!.Value);
        Keep("free_slots", true, miner => miner.Taken < miner.Profile.MaxParallel);
        Keep("deadline_ms", hints.DeadlineMs is not null, miner => EtaMs(miner) is not { } eta || eta <= hints.DeadlineMs);
        return clauses;
    }

    public static bool Within(string region, string asked) =>
        region == asked || region.StartsWith(asked + "-", StringComparison.Ordinal);

    public static bool RunsTask(MinerProfile profile, string task)
    {
        string[] tasks = [.. profile.Capabilities.Where(capability => capability.StartsWith("task:", StringComparison.Ordinal))];
        return tasks.Length == 0 || tasks.Contains("task:" + task);
    }

    /// <summary>Of the miners of one group only the best takes a place.</summary>
    private static (string Kind, string Name) Group(ReferenceMiner miner, string? spreadBy) => spreadBy switch
    {
        "region" => ("region", miner.Profile.Region),
        "owner" when miner.Profile.Owner.Length > 0 => ("owner", miner.Profile.Owner),
        _ => ("miner", miner.Id),
    };

    private static int? EtaMs(ReferenceMiner miner)
    {
        if (miner.ServiceMs < 0)
        {
            return null;
        }
        decimal factor = miner.Profile.MaxParallel + miner.Taken;
        return Math.Max(miner.RttMs, 0) + (int)Math.Ceiling(miner.ServiceMs * factor / miner.Profile.MaxParallel);
    }

    private static double LatencyNorm(int mine, List<int> known)
    {
        double place = known.Count(other => other < mine) + (known.Count(other => other == mine) / 2.0);
        return 1 - (place / known.Count);
    }

    /// <summary>1 ms buckets below 128 ms; above, 32 to each doubling, up to an hour.</summary>
    private static int BucketStart(int rttMs)
    {
        rttMs = Math.Min(rttMs, 3_600_000);
        if (rttMs < 128)
        {
            return rttMs;
        }
        int start = 128;
        while (rttMs >= start * 2)
        {
            start *= 2;
        }
        int width = start / 32;
        return rttMs / width * width;
    }

    private static ulong Hash(string jobId, string minerId)
    {
        ulong hash = Fnv(jobId) + (Fnv(minerId) * 11400714819323198485);
        hash ^= hash >> 33;
        hash *= 18397679294719823053;
        hash ^= hash >> 33;
        hash *= 14181476777654086739;
        return hash ^ (hash >> 33);
    }

    private static ulong Fnv(string text) =>
        Encoding.Unicode.GetBytes(text).Aggregate(14695981039346656037UL, (hash, next) => (hash ^ next) * 1099511628211UL);
}

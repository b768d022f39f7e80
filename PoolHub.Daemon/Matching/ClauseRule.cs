using System.Globalization;
using PoolHub.Protocol;
using PoolHub.Protocol.Http;

namespace PoolHub.Daemon.Matching;

/// <summary>A value to relax a clause to, and how far it lies from what was asked; null leaves the clause out.</summary>
internal readonly record struct Step(decimal Distance, ClauseValue? To)
{
    /// <summary>The last one of every clause.</summary>
    public static Step LeaveOut { get; } = new(decimal.MaxValue, null);
}

/// <summary>
/// One clause in words, for diagnoses: what a match does with bitsets, done here for one miner at a time. A further
/// clause needs an entry in <see cref="All"/> and nothing else here.
/// </summary>
internal sealed record ClauseRule
{
    private ClauseRule(Clause clause) => Clause = clause;

    public Clause Clause { get; }

    public required Func<MatchQuery, MinerState, bool> Passes { get; init; }

    /// <summary>What the miner has.</summary>
    public required Func<MatchQuery, MinerState, ClauseValue> Value { get; init; }

    /// <summary>What the query asks for.</summary>
    public required Func<MatchQuery, ClauseValue> Wanted { get; init; }

    /// <summary>The least relaxation with which a miner passes that does not without.</summary>
    public Func<MatchQuery, MinerState, Step> StepTo { get; private init; } = (_, _) => Step.LeaveOut;

    /// <summary>Whether only time can help: no request relaxes it.</summary>
    public bool Waits { get; private init; }

    /// <summary>Whether the profile alone decides it, so that it can be said of a miner that is offline.</summary>
    public bool OfProfile { get; private init; } = true;

    /// <summary>In the order in which they are applied.</summary>
    public static ClauseRule[] All { get; } =
    [
        new(Clause.Online)
        {
            Passes = (_, _) => true,
            Value = (_, _) => ClauseValue.Of("online"),
            Wanted = _ => ClauseValue.Of("online"),
            Waits = true,
            OfProfile = false,
        },
        new(Clause.Available)
        {
            Passes = (_, miner) => miner.Available,
            Value = (_, _) => ClauseValue.Of("draining or ejected"),
            Wanted = _ => ClauseValue.Of("available"),
            Waits = true,
            OfProfile = false,
        },
        new(Clause.Exclude)
        {
            Passes = (query, miner) => !query.Exclude.Contains(miner.Offer.MinerId),
            Value = (_, miner) => ClauseValue.Of(miner.Offer.MinerId),
            Wanted = query => ClauseValue.Of(query.Exclude),
            OfProfile = false,
        },
        new(Clause.Region)
        {
            Passes = (query, miner) => IsWithin(miner.Profile.Region, query.Region!),
            Value = (_, miner) => ClauseValue.Of(miner.Profile.Region),
            Wanted = query => ClauseValue.Of(query.Region!),
            StepTo = (query, miner) => StepToRegion(query.Region!, miner.Profile.Region),
        },
        new(Clause.Accel)
        {
            Passes = (query, miner) => HasAny(miner.Profile.Accel, query.Accel),
            Value = (_, miner) => ClauseValue.Of(miner.Profile.Accel),
            Wanted = query => ClauseValue.Of(query.Accel),
        },
        new(Clause.Task)
        {
            Passes = (query, miner) => miner.Profile.Capabilities.Contains(query.TaskCapability)
                || !Array.Exists(miner.Profile.Capabilities, MatchQuery.IsTask),
            Value = (_, miner) => ClauseValue.Of([.. miner.Profile.Capabilities.Where(MatchQuery.IsTask).Select(TaskOf)]),
            Wanted = query => ClauseValue.Of(TaskOf(query.TaskCapability!)),
        },
        new(Clause.CapabilitiesAny)
        {
            Passes = (query, miner) => HasAny(miner.Profile.Capabilities, query.Capabilities),
            Value = (_, miner) => ClauseValue.Of(miner.Profile.Capabilities),
            Wanted = query => ClauseValue.Of(query.Capabilities),
        },
        new(Clause.TagsAny)
        {
            Passes = (query, miner) => HasAny(miner.Profile.Tags, query.Tags),
            Value = (_, miner) => ClauseValue.Of(miner.Profile.Tags),
            Wanted = query => ClauseValue.Of(query.Tags),
        },
        new(Clause.MinVramGb)
        {
            Passes = (query, miner) => (float)miner.Profile.GpuVramGb >= query.MinVramGb,
            Value = (_, miner) => ClauseValue.Of(Size(miner.Profile.GpuVramGb)),
            Wanted = query => ClauseValue.Of(Size(query.MinVramGb!.Value)),
            StepTo = (_, miner) => StepDownTo(Size(miner.Profile.GpuVramGb)),
        },
        new(Clause.MinRamGb)
        {
            Passes = (query, miner) => (float)miner.Profile.RamGb >= query.MinRamGb,
            Value = (_, miner) => ClauseValue.Of(Size(miner.Profile.RamGb)),
            Wanted = query => ClauseValue.Of(Size(query.MinRamGb!.Value)),
            StepTo = (_, miner) => StepDownTo(Size(miner.Profile.RamGb)),
        },
        new(Clause.MaxPrice)
        {
            Passes = (query, miner) => miner.PriceE8 <= query.MaxPriceE8,
            Value = (_, miner) => ClauseValue.Of(new TokenPrice(miner.PriceE8).Tokens),
            Wanted = query => ClauseValue.Of(new TokenPrice(query.MaxPriceE8!.Value).Tokens),
            StepTo = (_, miner) => StepUpTo(new TokenPrice(miner.PriceE8).Tokens),
        },
        new(Clause.FreeSlots)
        {
            Passes = (_, miner) => miner.Free > 0,
            Value = (_, miner) => ClauseValue.Of(Math.Max(miner.Free, 0)),
            Wanted = _ => ClauseValue.Of(1),
            Waits = true,
            OfProfile = false,
        },
        new(Clause.DeadlineMs)
        {
            Passes = (query, miner) => miner.EtaMs <= query.DeadlineMs,
            Value = (_, miner) => ClauseValue.Of(miner.EtaMs),
            Wanted = query => ClauseValue.Of(query.DeadlineMs!.Value),
            StepTo = (_, miner) => miner.EtaMs <= MatchQuery.MaxDeadlineMs ? StepUpTo(miner.EtaMs) : Step.LeaveOut,
            OfProfile = false,
        },
    ];

    private static bool HasAny(string[] has, string[] wanted) => Array.Exists(wanted, has.Contains);

    /// <summary>eu-west-1 lies within eu, eu-west and eu-west-1.</summary>
    public static bool IsWithin(string region, string wider) =>
        region.StartsWith(wider, StringComparison.Ordinal) && (region.Length == wider.Length || region[wider.Length] == '-');

    private static string TaskOf(string capability) => capability[MatchQuery.TaskPrefix.Length..];

    /// <summary>The number as it is compared, in its shortest form: 7.1 and not 7.0999999.</summary>
    private static decimal Size(double gb) =>
        decimal.Parse(((float)gb).ToString(CultureInfo.InvariantCulture), NumberStyles.Float, CultureInfo.InvariantCulture);

    private static Step StepUpTo(decimal value) => new(value, ClauseValue.Of(value));

    private static Step StepDownTo(decimal value) => new(-value, ClauseValue.Of(value));

    /// <summary>The nearest parent that holds the miner as well: of eu-west-1, first eu-west, then eu.</summary>
    private static Step StepToRegion(string asked, string region)
    {
        string parent = asked;
        for (int dash = parent.LastIndexOf('-'); dash > 0; dash = parent.LastIndexOf('-'))
        {
            parent = parent[..dash];
            if (IsWithin(region, parent))
            {
                return new Step(asked.Length - dash, ClauseValue.Of(parent));
            }
        }
        return Step.LeaveOut;
    }
}

using System.Diagnostics.CodeAnalysis;
using PoolHub.Protocol;
using PoolHub.Protocol.Http;

namespace PoolHub.Daemon.Matching;

/// <summary>A match request that was checked and made ready to run. Immutable; may run any number of times.</summary>
internal sealed class MatchQuery
{
    public const int DefaultTopK = 3;
    public const int MaxDeadlineMs = 3_600_000;
    public const string TaskPrefix = "task:";

    private const int MaxListTerms = 64;
    private const int MaxExcluded = 256;

    private MatchQuery()
    {
    }

    /// <summary>What it was made from.</summary>
    public required MatchRequest Request { get; init; }

    public required string JobId { get; init; }

    /// <summary>The job's half of the tie-break.</summary>
    public required ulong JobHash { get; init; }
    public required int TopK { get; init; }
    public required Weights Weights { get; init; }

    /// <summary>Whether each candidate's breakdown was asked for.</summary>
    public required bool ExplainFull { get; init; }
    public required SpreadBy SpreadBy { get; init; }

    /// <summary>Ids of miners, which the index may not know; none twice.</summary>
    public string[] Exclude { get; private init; } = [];

    /// <summary>For how long each candidate's slot is to be held; 0: not at all.</summary>
    public required int HoldMs { get; init; }

    /// <summary>Null when not asked, as in all that follows; lists are empty instead, and hold no term twice.</summary>
    public string? Region { get; private init; }
    public string[] Accel { get; private init; } = [];

    /// <summary>The capability <c>task:NAME</c>.</summary>
    public string? TaskCapability { get; private init; }
    public string[] Capabilities { get; private init; } = [];
    public string[] Tags { get; private init; } = [];

    /// <summary>Sizes are single precision here and in the index: both sides round alike, so equal stays equal.</summary>
    public float? MinVramGb { get; private init; }
    public float? MinRamGb { get; private init; }
    public long? MaxPriceE8 { get; private init; }
    public int? DeadlineMs { get; private init; }

    public bool Asks(Clause clause) => clause switch
    {
        Clause.Online or Clause.Available or Clause.FreeSlots => true,
        Clause.Exclude => Exclude.Length > 0,
        Clause.Region => Region is not null,
        Clause.Accel => Accel.Length > 0,
        Clause.Task => TaskCapability is not null,
        Clause.CapabilitiesAny => Capabilities.Length > 0,
        Clause.TagsAny => Tags.Length > 0,
        Clause.MinVramGb => MinVramGb is not null,
        Clause.MinRamGb => MinRamGb is not null,
        Clause.MaxPrice => MaxPriceE8 is not null,
        Clause.DeadlineMs => DeadlineMs is not null,
        _ => false,
    };

    /// <param name="request">What came over HTTP; absent parts are null.</param>
    /// <param name="profiles">The weights a request may name.</param>
    /// <param name="query">The query.</param>
    /// <param name="fault">The first field at fault, by its path in the JSON, and why.</param>
    /// <param name="defaultHoldMs">For how long it holds when it does not say.</param>
    public static bool TryCreate(
        MatchRequest request,
        WeightProfiles profiles,
        [NotNullWhen(true)] out MatchQuery? query,
        [NotNullWhen(false)] out (string Field, string Problem)? fault,
        int defaultHoldMs = 0)
    {
        query = null;
        MatchRequirements needs = request.Requirements ?? new MatchRequirements();
        MatchHints hints = request.Hints ?? new MatchHints();
        Weights weights = default;
        fault = FindFault(request) ?? FindFault(needs) ?? FindFault(hints);
        if (fault is null && !profiles.TryGet(request.Weights ?? WeightProfiles.DefaultName, out weights))
        {
            fault = ("weights", $"must be one of {string.Join(", ", profiles.Names)}");
        }
        if (fault is not null)
        {
            return false;
        }

        query = new MatchQuery
        {
            Request = request,
            JobId = request.JobId!,
            JobHash = StableHash.Of(request.JobId!),
            TopK = request.TopK ?? DefaultTopK,
            Weights = weights,
            ExplainFull = request.Explain == "full",
            SpreadBy = request.SpreadBy switch { "region" => SpreadBy.Region, "owner" => SpreadBy.Owner, _ => SpreadBy.None },
            Exclude = Distinct(request.Exclude),
            HoldMs = request.HoldMs ?? defaultHoldMs,
            Region = string.IsNullOrEmpty(hints.Region) ? null : hints.Region,
            Accel = Distinct(needs.Accel),
            TaskCapability = needs.Task is null ? null : TaskPrefix + needs.Task,
            Capabilities = Distinct(needs.CapabilitiesAny),
            Tags = Distinct(needs.TagsAny),
            MinVramGb = (float?)needs.MinVramGb,
            MinRamGb = (float?)needs.MinRamGb,
            MaxPriceE8 = hints.MaxPrice?.E8,
            DeadlineMs = hints.DeadlineMs,
        };
        return true;
    }

    /// <summary>Whether a capability declares a task; a miner that declares none takes any.</summary>
    public static bool IsTask(string capability) => capability.StartsWith(TaskPrefix, StringComparison.Ordinal);

    private static (string, string)? FindFault(MatchRequest request)
    {
        if (request.JobId is not { Length: > 0 and <= Limits.JobIdChars } || !Texts.IsPrintable(request.JobId))
        {
            return ("job_id", $"must be 1 to {Limits.JobIdChars} printable characters");
        }
        if (request.TopK is < 1 or > Limits.MaxTopK)
        {
            return ("top_k", $"must be from 1 to {Limits.MaxTopK}");
        }
        if (request.Explain is not (null or "none" or "full"))
        {
            return ("explain", "must be none or full");
        }
        if (request.HoldMs is < 0 or > Limits.MaxHoldMs)
        {
            return ("hold_ms", $"must be from 0 to {Limits.MaxHoldMs}");
        }
        if (request.SpreadBy is not (null or "region" or "owner"))
        {
            return ("spread_by", "must be region or owner");
        }
        string[] exclude = request.Exclude ?? [];
        if (exclude.Length > MaxExcluded)
        {
            return ("exclude", $"must have at most {MaxExcluded} entries");
        }
        int wrong = Array.FindIndex(exclude, id => !Texts.IsMinerId(id));
        return wrong < 0 ? null : ($"exclude[{wrong}]", Texts.MinerIdRule);
    }

    private static (string, string)? FindFault(MatchRequirements needs)
    {
        // The prefix is part of the capability that a miner declares, and that has TermChars in all.
        int maxTaskChars = Limits.TermChars - TaskPrefix.Length;
        if (needs.Task is not null && (needs.Task.Length == 0 || needs.Task.Length > maxTaskChars || !Texts.IsPrintable(needs.Task)))
        {
            return ("requirements.task", $"must be 1 to {maxTaskChars} printable characters");
        }
        if (needs.MinVramGb is { } vram && !(vram >= 0 && vram <= Limits.MaxGpuVramGb))
        {
            return ("requirements.min_vram_gb", $"must be a finite number from 0 to {Limits.MaxGpuVramGb}");
        }
        if (needs.MinRamGb is { } ram && !(ram >= 0 && ram <= Limits.MaxRamGb))
        {
            return ("requirements.min_ram_gb", $"must be a finite number from 0 to {Limits.MaxRamGb}");
        }
        return MinerProfile.FindListProblem("requirements.accel", needs.Accel ?? [], MaxListTerms)
            ?? MinerProfile.FindListProblem("requirements.tags_any", needs.TagsAny ?? [], MaxListTerms)
            ?? MinerProfile.FindListProblem("requirements.capabilities_any", needs.CapabilitiesAny ?? [], MaxListTerms);
    }

    private static (string, string)? FindFault(MatchHints hints)
    {
        if (hints.Region is not null && !Texts.IsSlug(hints.Region, Limits.RegionChars))
        {
            return ("hints.region", Texts.RegionRule);
        }
        if (hints.MaxPrice is { IsValid: false })
        {
            return ("hints.max_price", $"must be from 0 to {TokenPrice.Max}");
        }
        if (hints.DeadlineMs is < 1 or > MaxDeadlineMs)
        {
            return ("hints.deadline_ms", $"must be from 1 to {MaxDeadlineMs}");
        }
        return null;
    }

    /// <summary>Most lists are short and have no term twice: they are taken as they are.</summary>
    private static string[] Distinct(string[]? terms)
    {
        const int Short = 8;
        if (terms is null or [])
        {
            return [];
        }
        for (int i = 1; i < terms.Length; i++)
        {
            if (terms.Length > Short || terms.AsSpan(0, i).Contains(terms[i]))
            {
                return [.. terms.Distinct(StringComparer.Ordinal)];
            }
        }
        return terms;
    }
}

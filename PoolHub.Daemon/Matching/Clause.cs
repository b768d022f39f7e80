namespace PoolHub.Daemon.Matching;

/// <summary>The hard constraints of a match, in the order in which they are applied and counted.</summary>
internal enum Clause
{
    /// <summary>In the index, healthy or degraded.</summary>
    Online,
    /// <summary>Neither draining nor ejected.</summary>
    Available,
    /// <summary>The request does not exclude it.</summary>
    Exclude,
    Region,
    Accel,
    Task,
    CapabilitiesAny,
    TagsAny,
    MinVramGb,
    MinRamGb,
    MaxPrice,
    /// <summary>Fewer jobs running or waiting than it runs at once.</summary>
    FreeSlots,
    DeadlineMs,
}

internal static class Clauses
{
    private static readonly string[] Names =
    [
        "online", "available", "exclude", "region", "accel", "task", "capabilities_any", "tags_any",
        "min_vram_gb", "min_ram_gb", "max_price", "free_slots", "deadline_ms",
    ];

    /// <summary>In the order in which they are applied.</summary>
    public static Clause[] All { get; } = Enum.GetValues<Clause>();

    public static int Count => Names.Length;

    /// <summary>The clause's name in answers and metrics.</summary>
    public static string Name(this Clause clause) => Names[(int)clause];
}

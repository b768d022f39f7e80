namespace PoolHub.Protocol;

/// <summary>What a miner offers: its hardware, its price and what it can do. Immutable.</summary>
public sealed record MinerProfile
{
    /// <summary>Where a coordinator reaches the miner: host and port, or a URI.</summary>
    public required string Addr { get; init; }

    /// <summary>How a coordinator speaks to it: <c>grpc</c>, <c>http</c>, …</summary>
    public required string Proto { get; init; }

    /// <summary>The card as its maker calls it. Empty when the miner does not say.</summary>
    public string GpuName { get; init; } = "";

    /// <summary>GPU memory, GB; 0 when the miner does not say.</summary>
    public double GpuVramGb { get; init; }

    /// <summary>Cores of the machine; 0 when the miner does not say.</summary>
    public int CpuCores { get; init; }

    /// <summary>Memory of the machine, GB; 0 when the miner does not say.</summary>
    public double RamGb { get; init; }

    /// <summary>What it asks for 1,000 seconds of work.</summary>
    public TokenPrice Price { get; init; }

    /// <summary>How many jobs it runs at once; at least 1.</summary>
    public int MaxParallel { get; init; } = 1;

    /// <summary>Hierarchical, most general part first: <c>eu-west-1</c>. Empty when the miner does not say.</summary>
    public string Region { get; init; } = "";

    /// <summary>Who runs the machine, so that a match can keep its candidates apart. Empty when the miner does not say.</summary>
    public string Owner { get; init; } = "";

    /// <summary>What its programs run on: <c>cuda</c>, <c>rocm</c>, …</summary>
    public string[] Accel { get; init; } = [];

    /// <summary>Free names; a match may ask for at least one of several.</summary>
    public string[] Tags { get; init; } = [];

    /// <summary>Free names; <c>task:NAME</c> declares that it runs that task.</summary>
    public string[] Capabilities { get; init; } = [];

    /// <summary>The first field that is out of its limits, by its JSON name, and why; null when all are within.</summary>
    public (string Field, string Problem)? FindProblem()
    {
        if (Addr.Length is 0 or > Limits.AddrChars || !Texts.IsPrintable(Addr) || Addr.Contains(' ', StringComparison.Ordinal))
        {
            return ("addr", $"must be 1 to {Limits.AddrChars} printable characters without spaces");
        }
        if (Proto.Length == 0 || !Texts.IsSlug(Proto, maxChars: 16))
        {
            return ("proto", "must be 1 to 16 lower-case letters, digits or any of . _ + -");
        }
        if (GpuName.Length > Limits.GpuNameChars || !Texts.IsPrintable(GpuName))
        {
            return ("gpu_name", $"must be at most {Limits.GpuNameChars} printable characters");
        }
        if (!(GpuVramGb >= 0 && GpuVramGb <= Limits.MaxGpuVramGb))
        {
            return ("gpu_vram_gb", $"must be a finite number from 0 to {Limits.MaxGpuVramGb}");
        }
        if (CpuCores is < 0 or > Limits.MaxCpuCores)
        {
            return ("cpu_cores", $"must be from 0 to {Limits.MaxCpuCores}");
        }
        if (!(RamGb >= 0 && RamGb <= Limits.MaxRamGb))
        {
            return ("ram_gb", $"must be a finite number from 0 to {Limits.MaxRamGb}");
        }
        if (!Price.IsValid)
        {
            return ("price_token_per_ksec", $"must be from 0 to {TokenPrice.Max}");
        }
        if (MaxParallel is < 1 or > Limits.MaxParallel)
        {
            return ("max_parallel", $"must be from 1 to {Limits.MaxParallel}");
        }
        if (!Texts.IsSlug(Region, Limits.RegionChars))
        {
            return ("region", Texts.RegionRule);
        }
        if (Owner.Length > Limits.OwnerChars || !Texts.IsPrintable(Owner))
        {
            return ("owner", $"must be at most {Limits.OwnerChars} printable characters");
        }
        return FindListProblem("accel", Accel, Limits.MaxAccel)
            ?? FindListProblem("tags", Tags, Limits.MaxTags)
            ?? FindListProblem("capabilities", Capabilities, Limits.MaxCapabilities);
    }

    /// <summary>What is wrong with a list of terms (tags, capabilities, accelerators), or null.</summary>
    public static (string Field, string Problem)? FindListProblem(string field, string[] terms, int maxCount)
    {
        if (terms.Length > maxCount)
        {
            return (field, $"must have at most {maxCount} entries");
        }
        foreach (string? term in terms)
        {
            if (term is not { Length: > 0 and <= Limits.TermChars } || !Texts.IsPrintable(term))
            {
                return (field, $"must hold texts of 1 to {Limits.TermChars} printable characters");
            }
        }
        return null;
    }
}

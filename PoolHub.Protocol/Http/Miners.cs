namespace PoolHub.Protocol.Http;

/// <summary>Body of <c>POST /v1/miners/register</c>: the key and the complete profile.</summary>
public sealed record RegisterRequest
{
    public string? MinerId { get; init; }
    public string? ApiKey { get; init; }
    public string? Addr { get; init; }
    public string? Proto { get; init; }

    /// <summary>GB. <c>gpu_vram</c> and <c>gpu_vram_gb</c> mean the same; give one.</summary>
    public double? GpuVram { get; init; }
    public double? GpuVramGb { get; init; }
    public string? GpuName { get; init; }
    public int? CpuCores { get; init; }
    public double? RamGb { get; init; }
    public TokenPrice? PriceTokenPerKsec { get; init; }
    public int? MaxParallel { get; init; }
    public string? Region { get; init; }
    public string? Owner { get; init; }
    public string[]? Accel { get; init; }
    public string[]? Tags { get; init; }
    public string[]? Capabilities { get; init; }

    public static RegisterRequest From(string minerId, string apiKey, MinerProfile profile) => new()
    {
        MinerId = minerId,
        ApiKey = apiKey,
        Addr = profile.Addr,
        Proto = profile.Proto,
        GpuVramGb = profile.GpuVramGb,
        GpuName = profile.GpuName,
        CpuCores = profile.CpuCores,
        RamGb = profile.RamGb,
        PriceTokenPerKsec = profile.Price,
        MaxParallel = profile.MaxParallel,
        Region = profile.Region,
        Owner = profile.Owner,
        Accel = profile.Accel,
        Tags = profile.Tags,
        Capabilities = profile.Capabilities,
    };

    /// <summary>The profile, or the first field that is missing or out of its limits.</summary>
    public MinerProfile? ToProfile(out (string Field, string Problem)? fault)
    {
        fault = this switch
        {
            { Addr: null } => ("addr", "is missing"),
            { Proto: null } => ("proto", "is missing"),
            { PriceTokenPerKsec: null } => ("price_token_per_ksec", "is missing"),
            { GpuVram: { } a, GpuVramGb: { } b } when a != b => ("gpu_vram_gb", "contradicts gpu_vram"),
            _ => null,
        };
        if (fault is not null)
        {
            return null;
        }
        var profile = new MinerProfile
        {
            Addr = Addr!,
            Proto = Proto!,
            GpuName = GpuName ?? "",
            GpuVramGb = GpuVramGb ?? GpuVram ?? 0,
            CpuCores = CpuCores ?? 0,
            RamGb = RamGb ?? 0,
            Price = PriceTokenPerKsec!.Value,
            MaxParallel = MaxParallel ?? 1,
            Region = Region ?? "",
            Owner = Owner ?? "",
            Accel = Accel ?? [],
            Tags = Tags ?? [],
            Capabilities = Capabilities ?? [],
        };
        fault = profile.FindProblem();
        if (fault is ("gpu_vram_gb", var problem) && GpuVramGb is null)
        {
            // By the name under which it was sent.
            fault = ("gpu_vram", problem);
        }
        return fault is null ? profile : null;
    }
}

/// <summary>Answer to <c>register</c>, <c>update</c> and <c>lease/renew</c>.</summary>
public sealed record LeaseResponse
{
    /// <summary>The miner's lease state, normally <c>online</c>.</summary>
    public required string Status { get; init; }
    public required int LeaseTtlSec { get; init; }
    public required int NextHeartbeatSec { get; init; }

    /// <summary>Given by <c>register</c>, and by the others when the old one nears its end.</summary>
    public string? SessionToken { get; init; }

    /// <summary>Commands that wait for an acknowledgement; only for a miner that has no socket open.</summary>
    public PendingCommand[]? Commands { get; init; }
}

/// <summary>Body of <c>POST /v1/miners/update</c>. Renews the lease.</summary>
public sealed record UpdateRequest
{
    public string? SessionToken { get; init; }
    public int? QueueLen { get; init; }
    public bool? Busy { get; init; }
    public string[]? CurrentJobs { get; init; }
    public TokenPrice? PriceTokenPerKsec { get; init; }

    public int? AvgLatencyMs { get; init; }
    public int? TempC { get; init; }
    public double? MemFreeGb { get; init; }

    /// <summary>Acknowledges commands that came in an earlier answer.</summary>
    public CommandOutcome[]? CommandAcks { get; init; }
}

/// <summary>Body of <c>POST /v1/miners/logout</c>.</summary>
public sealed record LogoutRequest
{
    public string? SessionToken { get; init; }
}

public sealed record LogoutResponse
{
    public required string Status { get; init; }
}

/// <summary>A command as a miner over HTTP or over WebSocket text frames sees it.</summary>
public sealed record PendingCommand
{
    public required long CommandId { get; init; }

    /// <summary><c>set_price_cap</c>, <c>update_tags</c>, <c>drain</c> or <c>reconnect</c>.</summary>
    public required string Command { get; init; }
    public TokenPrice? PriceTokenPerKsec { get; init; }
    public string[]? Tags { get; init; }
    public bool? On { get; init; }
    public string? Addr { get; init; }
    public int? DelayMs { get; init; }
}

/// <summary>What became of a command.</summary>
public sealed record CommandOutcome
{
    public required long CommandId { get; init; }
    public required bool Accepted { get; init; }
    public string? Detail { get; init; }
}

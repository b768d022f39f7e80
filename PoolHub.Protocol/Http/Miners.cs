namespace PoolHub.Protocol.Http;

/// <summary>Body of <c>POST /v1/miners/register</c>: the key and the complete profile.</summary>
public sealed record RegisterRequest
{
    /// <summary>1 to 64 of <c>A-Z a-z 0-9 . _ : -</c>; required.</summary>
    public string? MinerId { get; init; }

    /// <summary>The miner's key; required unless the hub asks for a certificate alone.</summary>
    public string? ApiKey { get; init; }

    /// <inheritdoc cref="MinerProfile.Addr"/>
    public string? Addr { get; init; }

    /// <inheritdoc cref="MinerProfile.Proto"/>
    public string? Proto { get; init; }

    /// <summary>GB. <c>gpu_vram</c> and <c>gpu_vram_gb</c> mean the same; give one.</summary>
    public double? GpuVram { get; init; }

    /// <inheritdoc cref="MinerProfile.GpuVramGb"/>
    public double? GpuVramGb { get; init; }

    /// <inheritdoc cref="MinerProfile.GpuName"/>
    public string? GpuName { get; init; }

    /// <inheritdoc cref="MinerProfile.CpuCores"/>
    public int? CpuCores { get; init; }

    /// <inheritdoc cref="MinerProfile.RamGb"/>
    public double? RamGb { get; init; }

    /// <summary>What the miner asks for 1,000 seconds of work; required.</summary>
    public TokenPrice? PriceTokenPerKsec { get; init; }

    /// <inheritdoc cref="MinerProfile.MaxParallel"/>
    public int? MaxParallel { get; init; }

    /// <inheritdoc cref="MinerProfile.Region"/>
    public string? Region { get; init; }

    /// <inheritdoc cref="MinerProfile.Owner"/>
    public string? Owner { get; init; }

    /// <inheritdoc cref="MinerProfile.Accel"/>
    public string[]? Accel { get; init; }

    /// <inheritdoc cref="MinerProfile.Tags"/>
    public string[]? Tags { get; init; }

    /// <inheritdoc cref="MinerProfile.Capabilities"/>
    public string[]? Capabilities { get; init; }

    /// <summary>The registration of a miner with this profile.</summary>
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

    /// <summary>Seconds without a sign of life after which the miner is degraded.</summary>
    public required int LeaseTtlSec { get; init; }

    /// <summary>Seconds until the hub wants the next update or renewal.</summary>
    public required int NextHeartbeatSec { get; init; }

    /// <summary>Given by <c>register</c>, and by the others when the old one nears its end.</summary>
    public string? SessionToken { get; init; }

    /// <summary>Commands that wait for an acknowledgement; only for a miner that has no socket open.</summary>
    public PendingCommand[]? Commands { get; init; }
}

/// <summary>Body of <c>POST /v1/miners/update</c>. Renews the lease.</summary>
public sealed record UpdateRequest
{
    /// <summary>The session; may stand in the header <c>X-PoolHub-Session</c> or the address instead.</summary>
    public string? SessionToken { get; init; }

    /// <summary>Jobs that run or wait on the miner; required.</summary>
    public int? QueueLen { get; init; }

    /// <summary>True counts as at least one job, also when the queue is empty.</summary>
    public bool? Busy { get; init; }

    /// <summary>The ids of the jobs that run; the miner's load is at least their number.</summary>
    public string[]? CurrentJobs { get; init; }

    /// <summary>The new price; absent: it stays.</summary>
    public TokenPrice? PriceTokenPerKsec { get; init; }

    /// <summary>The miner's own claim of its mean job latency.</summary>
    public int? AvgLatencyMs { get; init; }

    /// <summary>The hottest GPU, degrees Celsius.</summary>
    public int? TempC { get; init; }

    /// <summary>Free GPU memory, GB.</summary>
    public double? MemFreeGb { get; init; }

    /// <summary>Acknowledges commands that came in an earlier answer.</summary>
    public CommandOutcome[]? CommandAcks { get; init; }
}

/// <summary>Body of <c>POST /v1/miners/logout</c>.</summary>
public sealed record LogoutRequest
{
    /// <inheritdoc cref="UpdateRequest.SessionToken"/>
    public string? SessionToken { get; init; }
}

/// <summary>Answer to <c>POST /v1/miners/logout</c>.</summary>
public sealed record LogoutResponse
{
    /// <summary>The miner's state from now on: <c>offline</c>.</summary>
    public required string Status { get; init; }
}

/// <summary>A command as a miner over HTTP or over WebSocket text frames sees it.</summary>
public sealed record PendingCommand
{
    /// <summary>Comes back in the acknowledgement.</summary>
    public required long CommandId { get; init; }

    /// <summary><c>set_price_cap</c>, <c>update_tags</c>, <c>drain</c> or <c>reconnect</c>.</summary>
    public required string Command { get; init; }

    /// <inheritdoc cref="CommandRequest.PriceTokenPerKsec"/>
    public TokenPrice? PriceTokenPerKsec { get; init; }

    /// <inheritdoc cref="CommandRequest.Tags"/>
    public string[]? Tags { get; init; }

    /// <inheritdoc cref="CommandRequest.On"/>
    public bool? On { get; init; }

    /// <inheritdoc cref="CommandRequest.Addr"/>
    public string? Addr { get; init; }

    /// <inheritdoc cref="CommandRequest.DelayMs"/>
    public int? DelayMs { get; init; }
}

/// <summary>What became of a command.</summary>
public sealed record CommandOutcome
{
    /// <summary>That of the command.</summary>
    public required long CommandId { get; init; }

    /// <summary>Whether the miner does what it was asked.</summary>
    public required bool Accepted { get; init; }

    /// <summary>Why not, for a person; may be absent.</summary>
    public string? Detail { get; init; }
}

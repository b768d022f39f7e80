using PoolHub.Protocol;

namespace PoolHub.Cli.Simulate;

internal enum FleetTransport
{
    Tcp,
    Ws,
    Http,
}

/// <summary>What kind of machines a fleet is made of.</summary>
internal enum FleetProfile
{
    /// <summary>Desktop machines, one card each.</summary>
    Small,

    /// <summary>Mostly desktops, some servers.</summary>
    Mixed,

    /// <summary>Servers with one to eight cards.</summary>
    Datacenter,
}

/// <summary>One simulated miner as it begins.</summary>
/// <param name="JobMs">How long a job takes it, the measure of its claimed latency.</param>
/// <param name="Load">The share of its slots that are taken on average, 0 to about 1.2.</param>
/// <param name="Seed">Decides how its queue fills and drains.</param>
internal sealed record FleetMiner(
    string MinerId, string ApiKey, MinerProfile Profile, FleetTransport Transport, int JobMs, double Load, int Seed);

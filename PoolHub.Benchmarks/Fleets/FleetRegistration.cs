using MessagePack;
using PoolHub.Daemon.Registry;
using PoolHub.Protocol;
using PoolHub.Protocol.Wire;

namespace PoolHub.Benchmarks.Fleets;

/// <summary>Miners that register in process, as if they had come over a socket.</summary>
internal static class FleetRegistration
{
    /// <summary>How many wait for the store together; it commits them together.</summary>
    private const int Together = 4_096;

    public static async Task EnterAsync(MinerRegistry registry, IEnumerable<FleetMiner> fleet)
    {
        foreach (FleetMiner[] batch in fleet.Chunk(Together))
        {
            await Task.WhenAll(batch.Select(miner => EnterAsync(registry, miner)));
        }
    }

    private static async Task EnterAsync(MinerRegistry registry, FleetMiner miner)
    {
        (Miner known, long epoch) = registry.BeginSession(new string(miner.Id));
        if (!await registry.RegisterAsync(known, epoch, OverTheWire(miner.Profile), claim: null)
            || !registry.Report(known, epoch, new MinerReport(
                miner.Load, AvgLatencyMs: miner.ServiceMs < 0 ? null : miner.ServiceMs, TempC: 60, MemFreeGb: 4)))
        {
            throw new InvalidOperationException($"{miner.Id} did not get in");
        }
        if (miner.RttMs >= 0)
        {
            registry.ObserveRtt(known, TimeSpan.FromMilliseconds(miner.RttMs));
        }
    }

    /// <summary>The profile as its message gives it: every text an instance of its own.</summary>
    private static MinerProfile OverTheWire(MinerProfile profile) =>
        MessageReader.TryOpen(Frame.Encode(new Register(profile)), out _, out MessageReader reader)
            && Register.Read(ref reader) is var register && !reader.Failed
            ? register.Profile
            : throw new MessagePackSerializationException("the profile cannot be read back");
}

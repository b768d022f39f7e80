using PoolHub.Protocol.Client;

namespace PoolHub.Cli.Simulate;

/// <summary>
/// The jobs of one simulated miner: they arrive at random and leave when they are done, so that its queue fills and drains
/// about the load that the fleet gave it. A warm card is a busy one.
/// </summary>
internal sealed class JobQueue(FleetMiner miner)
{
    /// <summary>Mean jobs that arrive in a second for every slot, at load 1.</summary>
    private const double TurnoverPerSec = 0.25;

    private readonly Random _random = new(miner.Seed);
    private int _length;

    public MinerStatus Now { get; private set; } = StatusOf(miner, 0, new Random(miner.Seed));

    /// <summary>Lets a second pass.</summary>
    public void Tick()
    {
        int slots = miner.Profile.MaxParallel;
        int arrived = Draw(TurnoverPerSec * miner.Load * slots);
        int done = Math.Min(_length, Draw(TurnoverPerSec * Math.Min(_length, slots)));
        // Nobody queues for ever: clients give up behind two rounds of jobs.
        _length = Math.Min(_length + arrived - done, slots * 3);
        Now = StatusOf(miner, _length, _random);
    }

    private static MinerStatus StatusOf(FleetMiner miner, int length, Random random)
    {
        double share = Math.Min(1, (double)length / miner.Profile.MaxParallel);
        return new MinerStatus(
            QueueLen: length,
            AvgLatencyMs: (int)(miner.JobMs * (1 + (0.3 * share) + (0.1 * random.NextDouble()))),
            TempC: 38 + (int)(38 * share) + random.Next(4),
            MemFreeGb: Math.Round(miner.Profile.GpuVramGb * (1 - (0.85 * share)), 1));
    }

    /// <summary>A whole number with this mean: the sum of rare events.</summary>
    private int Draw(double mean)
    {
        int whole = (int)mean;
        return whole + (_random.NextDouble() < mean - whole ? 1 : 0);
    }
}

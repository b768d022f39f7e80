using PoolHub.Cli.Shell;
using PoolHub.Protocol.Client;

namespace PoolHub.Cli.Simulate;

/// <summary>Where a fleet stands.</summary>
/// <param name="Registered">Have been online at least once.</param>
/// <param name="Heartbeats">Sent since the start.</param>
/// <param name="Reconnects">Times that a miner came back.</param>
/// <param name="Errors">Messages that the hub did not accept, and miners that it refused.</param>
internal readonly record struct FleetCounts(
    int Total, int Registered, int Online, int Refused, long Heartbeats, long Reconnects, long Errors);

/// <summary>A fleet of simulated miners at a hub.</summary>
/// <param name="startsPerSec">How quickly they arrive.</param>
internal sealed class SimulatedFleet(
    FleetMiner[] miners, HubAddress hub, AdminClient? admin, int seed, int startsPerSec = 300)
    : IDisposable
{
    /// <summary>How long the first miner has to find out whether keys must be issued.</summary>
    private static readonly TimeSpan s_scoutTime = TimeSpan.FromSeconds(5);

    private readonly KeyDesk? _keys = admin is null ? null : new KeyDesk(admin);
    private readonly Random _random = new(seed);
    private SimulatedMiner[] _miners = [];

    /// <summary>What share of the miners leaves or is cut off in a minute, and comes back.</summary>
    public double ChurnPercentPerMin { get; set; }

    /// <summary>While true, the queues stand still.</summary>
    public bool IsPaused { get; set; }

    /// <summary>Why the hub refused a miner; null when it refused none.</summary>
    public string? FirstRefusal => _miners.Select(miner => miner.Refusal).FirstOrDefault(why => why is not null);

    public FleetCounts Count()
    {
        int registered = 0, online = 0, refused = 0;
        long heartbeats = 0, reconnects = 0, errors = 0;
        foreach (SimulatedMiner miner in _miners)
        {
            long connections = miner.Connections;
            registered += connections > 0 ? 1 : 0;
            online += miner.IsOnline ? 1 : 0;
            refused += miner.Refusal is null ? 0 : 1;
            heartbeats += miner.Heartbeats;
            reconnects += Math.Max(0, connections - 1);
            errors += miner.Errors;
        }
        return new FleetCounts(_miners.Length, registered, online, refused, heartbeats, reconnects, errors + refused);
    }

    /// <summary>Connects the miners and lets them work until cancelled; returns when all have said goodbye.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        _miners = [.. miners.Select(miner => new SimulatedMiner(
            miner,
            miner.Transport switch
            {
                FleetTransport.Tcp => hub.Tcp,
                FleetTransport.Ws => hub.WebSocket,
                _ => hub.Http,
            },
            _keys))];
        List<Task> running = new(_miners.Length);
        try
        {
            Task working = WorkAsync(stop);
            await StartAllAsync(running, stop);
            await working;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The end that was asked for.
        }
        await Task.WhenAll(running);
    }

    /// <summary>Makes some miners vanish without a goodbye, of every transport alike; gives their ids.</summary>
    public async Task<string[]> VanishAsync(int count)
    {
        SimulatedMiner[] victims = [.. _miners.Where(miner => miner.IsOnline)];
        new Random(seed).Shuffle(victims);
        victims = [.. victims.Take(count)];
        await Task.WhenAll(victims.Select(miner => miner.VanishAsync()));
        return [.. victims.Select(miner => miner.MinerId)];
    }

    public void Dispose() => _keys?.Dispose();

    private async Task StartAllAsync(List<Task> running, CancellationToken stop)
    {
        const int RoundsPerSec = 20;
        using var rounds = new PeriodicTimer(TimeSpan.FromSeconds(1.0 / RoundsPerSec));
        int perRound = Math.Max(1, startsPerSec / RoundsPerSec);
        for (int i = 0; i < _miners.Length; i++)
        {
            running.Add(_miners[i].RunAsync(stop));
            if (i == 0 && _keys is not null)
            {
                await ScoutAsync(_miners[0], stop);
            }
            if (i % perRound == perRound - 1)
            {
                _ = await rounds.WaitForNextTickAsync(stop);
            }
        }
    }

    private static async Task ScoutAsync(SimulatedMiner scout, CancellationToken stop)
    {
        long begin = Environment.TickCount64;
        while (!scout.IsOnline && scout.Refusal is null && Environment.TickCount64 - begin < s_scoutTime.TotalMilliseconds)
        {
            await Task.Delay(20, stop);
        }
    }

    /// <summary>Jobs come and go, and miners too.</summary>
    private async Task WorkAsync(CancellationToken stop)
    {
        using var seconds = new PeriodicTimer(TimeSpan.FromSeconds(1));
        while (await seconds.WaitForNextTickAsync(stop))
        {
            double churnPerSec = ChurnPercentPerMin / 100 / 60;
            foreach (SimulatedMiner miner in IsPaused ? [] : _miners)
            {
                miner.Tick();
                if (_random.NextDouble() >= churnPerSec || !miner.IsOnline)
                {
                    continue;
                }
                if (_random.Next(2) == 0)
                {
                    miner.Drop();
                }
                else
                {
                    await miner.LeaveAsync(TimeSpan.FromSeconds(1 + _random.Next(10)));
                }
            }
        }
    }
}

using PoolHub.Protocol;
using PoolHub.Protocol.Client;

namespace PoolHub.Cli.Simulate;

/// <summary>One miner of a fleet at work: its client, its queue, and how it comes and goes.</summary>
internal sealed class SimulatedMiner(FleetMiner miner, Uri hub, KeyDesk? keys)
{
    private readonly JobQueue _queue = new(miner);
    private volatile MinerClient? _client;
    private CancellationTokenSource? _leave;
    private TimeSpan _absence;
    private long _pastBeats;
    private long _pastErrors;
    private long _pastConnections;
    private volatile bool _vanished;

    public string MinerId => miner.MinerId;
    public bool IsOnline => _client?.State is MinerClientState.Online;

    /// <summary>Why the hub will not have it; null when it has not said so.</summary>
    public string? Refusal { get; private set; }

    public long Heartbeats => Interlocked.Read(ref _pastBeats) + (_client?.HeartbeatsSent ?? 0);
    public long Errors => Interlocked.Read(ref _pastErrors) + (_client?.ErrorsReceived ?? 0);

    /// <summary>How many times it was online.</summary>
    public long Connections => Interlocked.Read(ref _pastConnections) + (_client?.Connections ?? 0);

    /// <summary>Stays at the hub, absences aside, until cancelled; then says goodbye.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        string key = miner.ApiKey;
        bool issued = false;
        try
        {
            while (!stop.IsCancellationRequested && !_vanished)
            {
                if (keys is { IsNeeded: true } && !issued)
                {
                    key = await keys.GetAsync(MinerId, stop);
                    issued = true;
                }
                try
                {
                    await StayAsync(key, stop);
                }
                catch (MinerRefusedException e) when (keys is not null && !issued && e.Reason is CloseReason.BadCredentials)
                {
                    key = await keys.GetAsync(MinerId, stop);
                    issued = true;
                    continue;
                }
                if (!_vanished)
                {
                    await Task.Delay(_absence, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                }
            }
        }
        catch (MinerRefusedException e)
        {
            Refusal = e.Message;
        }
        catch (HubException e)
        {
            Refusal = e.Message;
        }
        catch (OperationCanceledException)
        {
            // Before it ever connected there is nobody to say goodbye to.
        }
    }

    /// <summary>Lets a second of work pass; the next heartbeat tells.</summary>
    public void Tick()
    {
        _queue.Tick();
        _client?.SetStatus(_queue.Now);
    }

    /// <summary>Loses its connection and comes back at once, with its session.</summary>
    public void Drop() => _client?.Drop();

    /// <summary>Says goodbye and comes back after the absence.</summary>
    public async Task LeaveAsync(TimeSpan absence)
    {
        _absence = absence;
        // Whoever takes it out disposes it.
        if (Interlocked.Exchange(ref _leave, null) is { } leave)
        {
            await leave.CancelAsync();
            leave.Dispose();
        }
    }

    /// <summary>Is gone for good, without a goodbye.</summary>
    public async Task VanishAsync()
    {
        _vanished = true;
        if (_client is { } client)
        {
            await client.AbandonAsync();
        }
    }

    private async Task StayAsync(string key, CancellationToken stop)
    {
        var leave = CancellationTokenSource.CreateLinkedTokenSource(stop);
        CancellationToken left = leave.Token;
        _ = Interlocked.Exchange(ref _leave, leave);
        await using var client = new MinerClient(new MinerClientOptions
        {
            Hub = hub,
            MinerId = MinerId,
            ApiKey = key,
            Profile = miner.Profile,
            MinBackoff = TimeSpan.FromMilliseconds(250),
            MaxBackoff = TimeSpan.FromSeconds(5),
        });
        client.SetStatus(_queue.Now);
        _client = client;
        try
        {
            if (!_vanished)
            {
                await client.RunAsync(left);
            }
        }
        finally
        {
            _client = null;
            _ = Interlocked.Add(ref _pastBeats, client.HeartbeatsSent);
            _ = Interlocked.Add(ref _pastErrors, client.ErrorsReceived);
            _ = Interlocked.Add(ref _pastConnections, client.Connections);
            if (Interlocked.Exchange(ref _leave, null) is { } own)
            {
                own.Dispose();
            }
        }
    }
}

using PoolHub.Protocol.Wire;

namespace PoolHub.Protocol.Client;

/// <summary>What a miner tells of itself within one conversation: its profile, its status, its price.</summary>
internal sealed class MinerReporter(IMinerTransport transport, MinerSelf self, HeartbeatClock clock)
{
    private readonly Lock _lock = new();
    private MinerStatus _toldStatus;

    /// <summary>The hub believes a new session idle until it is told otherwise.</summary>
    public void Begin()
    {
        lock (_lock)
        {
            _toldStatus = default;
        }
    }

    /// <summary>Tells the hub the status and, when it is not null, the new price.</summary>
    public async ValueTask UpdateAsync(TokenPrice? price)
    {
        MinerStatus status = self.Status;
        lock (_lock)
        {
            _toldStatus = status;
        }
        clock.NoteSent();
        await transport.SendAsync(new Update(status.QueueLen, status.Busy, status.CurrentJobs ?? [], price));
    }

    /// <summary>Tells the hub the whole profile when it does not know it.</summary>
    public async ValueTask RegisterAsync()
    {
        MinerProfile profile = self.Profile;
        if (!ReferenceEquals(profile, self.ToldProfile))
        {
            self.ToldProfile = profile;
            await transport.SendAsync(new Register(profile));
        }
    }

    /// <summary>Changes the price here and at the hub.</summary>
    public ValueTask SetPriceAsync(TokenPrice price)
    {
        bool known = ReferenceEquals(self.Profile, self.ToldProfile);
        self.Profile = self.Profile with { Price = price };
        if (known)
        {
            self.ToldProfile = self.Profile;
        }
        return UpdateAsync(price);
    }

    /// <summary>Tells what the hub does not know yet, and that the miner lives.</summary>
    public async ValueTask BeatAsync()
    {
        await RegisterAsync();
        MinerStatus status = self.Status;
        bool sameJobs;
        lock (_lock)
        {
            sameJobs = status.SameJobs(_toldStatus);
        }
        if (!sameJobs)
        {
            // A heartbeat has no place for these.
            await UpdateAsync(price: null);
        }
        long seq = clock.NextSeq();
        _ = Interlocked.Increment(ref self.HeartbeatsSent);
        await transport.SendAsync(new Heartbeat(
            seq,
            Math.Max(0, self.Options.TimeProvider.GetUtcNow().ToUnixTimeMilliseconds()),
            status.QueueLen,
            status.AvgLatencyMs,
            status.TempC,
            status.MemFreeGb));
    }
}

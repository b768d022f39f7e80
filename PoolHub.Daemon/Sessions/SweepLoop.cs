using PoolHub.Daemon.Access;
using PoolHub.Daemon.Registry;
using PoolHub.Daemon.Storage;
using PoolHub.Daemon.Trust;

namespace PoolHub.Daemon.Sessions;

/// <summary>
/// The one timer of the hub: every second it moves the leases on, ends ejections, looks at every open socket, and writes
/// behind what the miners said.
/// </summary>
internal sealed class SweepLoop(
    MinerRegistry registry, SessionTable table, Conversations conversations, TrustBook trust, IHubStore store, KeyRing keys, SweepMetrics metrics,
    RunningClock time, ILogger<SweepLoop> log) : BackgroundService
{
    private readonly TimeSpan _pingInterval = TimeSpan.FromSeconds(registry.LeaseTtlSec / 4.0);
    private readonly TimeSpan _saveInterval = TimeSpan.FromSeconds(Math.Min(5, registry.LeaseTtlSec / 4.0));
    private long _savedAt = time.GetTimestamp();
    private Task _saving = Task.CompletedTask;

    /// <summary>Called in every sweep, with its timestamp: who lies above the sessions looks at its own.</summary>
    public Action<long>? Each { get; set; }

    /// <summary>Called after every sweep that went well.</summary>
    public Action? Swept { get; set; }

    /// <summary>After so long the loop stands still, to show that the watchdog sees it; zero: never.</summary>
    public TimeSpan StuckAfter { get; init; }

    /// <summary>One sweep.</summary>
    public void Sweep()
    {
        long begin = time.GetTimestamp();
        bool guarded = registry.Guard.Active;
        foreach (Miner gone in registry.Sweep())
        {
            table.Expire(gone);
        }
        trust.Sweep(time.GetUtcNow());
        // Of one moment: should the hub stand still in the midst of it, nobody has been silent meanwhile.
        conversations.Sweep(begin, _pingInterval);
        Each?.Invoke(begin);
        if (time.GetElapsedTime(_savedAt) >= _saveInterval && _saving.IsCompleted)
        {
            _savedAt = time.GetTimestamp();
            // Not here: sorting and handing over a large fleet takes longer than a sweep may.
            _saving = Task.Run(SaveAsync);
        }
        if (guarded != registry.Guard.Active)
        {
            if (guarded)
            {
                SessionLog.GuardEnded(log);
            }
            else
            {
                SessionLog.GuardBegan(log, registry.DegradedCount);
            }
        }
        metrics.Swept(registry, table, trust, time.GetElapsedTime(begin));
        Swept?.Invoke();
    }

    /// <summary>Stores what the miners said since the last time.</summary>
    public async Task SaveAsync()
    {
        StoredStatus[] batch = [.. registry.TakeDirty().Select(s => s with { KeyUsedAt = keys.UsedAt(s.MinerId) })];
        try
        {
            await store.SaveStatusesAsync(batch);
        }
        catch (StoreUnavailableException)
        {
            // The store has said so in the log; the next heartbeat makes each of them dirty again.
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await _saving;
        await SaveAsync();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(RunningClock.Interval, time);
        long started = time.GetTimestamp();
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                TimeSpan late = time.Tick();
                if (StuckAfter > TimeSpan.Zero && time.GetElapsedTime(started) >= StuckAfter)
                {
                    SessionLog.SweepStuck(log);
                    await Task.Delay(Timeout.InfiniteTimeSpan, stoppingToken);
                }
                registry.Pace.Observe(late);
                if (late > RunningClock.Tolerance)
                {
                    // What the sockets hold is read before anybody's silence is believed.
                    var reading = Task.Delay(RunningClock.Interval, time, stoppingToken);
                    SessionLog.StoodStill(log, late.TotalSeconds);
                    await reading;
                    _ = time.Tick();
                }
                try
                {
                    Sweep();
                }
                catch (Exception e)
                {
                    SessionLog.SweepFailed(log, e);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The hub stops.
        }
    }
}

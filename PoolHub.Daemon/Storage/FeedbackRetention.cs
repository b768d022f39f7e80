namespace PoolHub.Daemon.Storage;

/// <summary>Removes feedback that is older than it is kept, a little at a time; what was learnt of it stays.</summary>
/// <param name="store">Holds it.</param>
/// <param name="days">How long it is kept; 0 for ever.</param>
/// <param name="time">The hub's clock.</param>
/// <param name="log">Where it says how much went.</param>
internal sealed class FeedbackRetention(IHubStore store, int days, TimeProvider time, ILogger<FeedbackRetention> log) : BackgroundService
{
    /// <summary>Some milliseconds of the store's time.</summary>
    private const int BatchSize = 1_000;

    private static readonly TimeSpan s_interval = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(100);

    /// <summary>Removes all that is due; returns how many.</summary>
    /// <exception cref="StoreUnavailableException">The store is away; nothing is lost but time.</exception>
    public async Task<int> SweepAsync(CancellationToken cancel)
    {
        int removed = 0;
        DateTimeOffset before = time.GetUtcNow().AddDays(-days);
        while (days > 0)
        {
            int batch = await store.ForgetFeedbackAsync(before, BatchSize);
            removed += batch;
            if (batch < BatchSize)
            {
                break;
            }
            // Others have the disk in between.
            await Task.Delay(s_pause, cancel);
        }
        if (removed > 0)
        {
            StorageLog.Forgot(log, removed, days);
        }
        return removed;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(s_interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                try
                {
                    _ = await SweepAsync(stoppingToken);
                }
                catch (Exception e) when (e is StoreUnavailableException or StoreRefusedException)
                {
                    // The store has said so; the next time will do.
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The hub stops.
        }
    }
}

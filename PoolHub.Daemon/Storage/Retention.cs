namespace PoolHub.Daemon.Storage;

/// <summary>
/// Removes feedback and audit entries that are older than they are kept, a little at a time; what was learnt of feedback
/// stays.
/// </summary>
/// <param name="store">Holds them.</param>
/// <param name="options">How long they are kept.</param>
/// <param name="time">The hub's clock.</param>
/// <param name="log">Where it says how much went.</param>
internal sealed class Retention(IHubStore store, StorageOptions options, TimeProvider time, ILogger<Retention> log) : BackgroundService
{
    /// <summary>Some milliseconds of the store's time.</summary>
    private const int BatchSize = 1_000;

    private static readonly TimeSpan s_interval = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(100);

    /// <summary>Removes all that is due; returns how many.</summary>
    /// <exception cref="StoreUnavailableException">The store is away; nothing is lost but time.</exception>
    public async Task<int> SweepAsync(CancellationToken cancel) =>
        await SweepAsync(store.ForgetFeedbackAsync, options.FeedbackRetentionDays, "reports of feedback", cancel)
        + await SweepAsync(store.ForgetAuditAsync, options.AuditRetentionDays, "audit entries", cancel);

    private async Task<int> SweepAsync(Func<DateTimeOffset, int, Task<int>> forget, int days, string what, CancellationToken cancel)
    {
        int removed = 0;
        DateTimeOffset before = time.GetUtcNow().AddDays(-days);
        while (days > 0)
        {
            int batch = await forget(before, BatchSize);
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
            StorageLog.Forgot(log, removed, what, days);
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
                catch (Exception e) when (!stoppingToken.IsCancellationRequested)
                {
                    // Nothing is lost but time; the next time will do.
                    StorageLog.NotForgotten(log, e);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The hub stops.
        }
    }
}

namespace PoolHub.Daemon.Storage.Spool;

/// <summary>
/// Takes the spool to the database, line by line and in order, as soon as that is there. A line that the database did not
/// take whole is taken to it again.
/// </summary>
internal sealed class SpoolDelivery : IAsyncDisposable
{
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(250);

    private readonly PostgresHubStore _database;
    private readonly SpoolFile _spool;
    private readonly Func<IHubStore, StoredFeedback, Task> _teach;
    private readonly Action<SpoolEntry[]> _delivered;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _closing = new();
    private readonly Task _ended;

    /// <param name="delivered">Told of every line before it leaves the spool.</param>
    public SpoolDelivery(
        PostgresHubStore database, SpoolFile spool, Func<IHubStore, StoredFeedback, Task> teach, Action<SpoolEntry[]> delivered, ILogger log)
    {
        (_database, _spool, _teach, _delivered, _log) = (database, spool, teach, delivered, log);
        _ended = Task.Run(RunAsync);
    }

    /// <summary>Writes an entry that teaches nothing.</summary>
    public static Task WriteAsync(IHubStore database, SpoolEntry entry) => entry switch
    {
        { Registration: { } r } => database.SaveRegistrationAsync(r.MinerId, r.Profile, r.Epoch, claim: null, entry.At),
        { Epoch: { } e } => database.SaveEpochAsync(e.MinerId, e.Epoch),
        _ => Task.CompletedTask,
    };

    /// <summary>A line that is under way is finished first.</summary>
    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        await _ended;
        _closing.Dispose();
    }

    private async Task RunAsync()
    {
        int delivered = 0;
        while (!_closing.IsCancellationRequested)
        {
            try
            {
                if (!_database.IsAway && _spool.Peek() is { Length: > 0 } entries)
                {
                    await Task.WhenAll(entries.Select(DeliverAsync));
                    _delivered(entries);
                    _spool.Remove();
                    delivered += entries.Length;
                    continue;
                }
                if (delivered > 0 && _spool.Count == 0)
                {
                    StorageLog.SpoolDelivered(_log, delivered);
                    delivered = 0;
                }
            }
            catch (StoreUnavailableException)
            {
                // The store has said so; it is tried again.
            }
            catch (Exception e)
            {
                StorageLog.DeliveryFailed(_log, _spool.Path, e);
            }
            await Task.Delay(s_interval, _closing.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task DeliverAsync(SpoolEntry entry)
    {
        if (entry.Feedback is not { } feedback)
        {
            await WriteAsync(_database, entry);
            return;
        }
        try
        {
            await _teach(_database, feedback);
        }
        catch (UnknownMinerException)
        {
            StorageLog.SpooledForNobody(_log, feedback.JobId, feedback.MinerId, feedback.Outcome);
        }
    }
}

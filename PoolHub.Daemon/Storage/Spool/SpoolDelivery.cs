namespace PoolHub.Daemon.Storage.Spool;

/// <summary>
/// Takes the spool to the database, some lines at a time and in order, as soon as that is there. Lines that the database
/// did not take whole are taken to it again.
/// </summary>
internal sealed class SpoolDelivery : IAsyncDisposable
{
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(250);

    /// <summary>While others wait for the rest.</summary>
    private static readonly TimeSpan s_restInterval = TimeSpan.FromMilliseconds(2);

    private readonly PostgresHubStore _database;
    private readonly SpoolFile _spool;
    private readonly Func<IHubStore, StoredFeedback, Task> _teach;
    private readonly Action<SpoolEntry[]> _delivered;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _closing = new();
    private readonly Task _ended;
    private TaskCompletionSource? _rest;

    /// <param name="delivered">Told of every line before it leaves the spool.</param>
    public SpoolDelivery(
        PostgresHubStore database, SpoolFile spool, Func<IHubStore, StoredFeedback, Task> teach, Action<SpoolEntry[]> delivered, ILogger log)
    {
        (_database, _spool, _teach, _delivered, _log) = (database, spool, teach, delivered, log);
        _ended = Task.Run(RunAsync);
    }

    /// <summary>
    /// Completes when what is left of the spool is delivered, or cannot be; at once while that is more than one delivery.
    /// Whoever writes waits for it: under load there would always be something more in the spool.
    /// </summary>
    public Task Rest => Volatile.Read(ref _rest)?.Task ?? Task.CompletedTask;

    /// <summary>Writes an entry that teaches nothing.</summary>
    public static Task WriteAsync(IHubStore database, SpoolEntry entry) => entry switch
    {
        { Registration: { } r } => database.SaveRegistrationAsync(r.MinerId, r.Profile, r.Epoch, claim: null, entry.At),
        { Epoch: { } e } => database.SaveEpochAsync(e.MinerId, e.Epoch),
        { Draining: { } d } => database.SaveDrainingAsync(d.MinerId, d.Draining),
        _ => Task.CompletedTask,
    };

    /// <summary>Lines that are under way are finished first.</summary>
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
                    if (_spool.Count <= SpoolFile.MaxBatch)
                    {
                        _rest ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                    }
                    await Task.WhenAll(Needed(entries).Select(DeliverAsync));
                    _delivered(entries);
                    _spool.Remove();
                    delivered += entries.Length;
                    continue;
                }
                if (_database.IsAway || _spool.IsIdle)
                {
                    EndRest();
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
                EndRest();
            }
            catch (Exception e)
            {
                EndRest();
                StorageLog.DeliveryFailed(_log, _spool.Path, e);
            }
            await Task.Delay(_rest is null ? s_interval : s_restInterval, _closing.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        EndRest();
    }

    private void EndRest()
    {
        TaskCompletionSource? rest = _rest;
        Volatile.Write(ref _rest, null);
        rest?.SetResult();
    }

    /// <summary>Of a miner's registrations the last one counts, and each would be a transaction of its own.</summary>
    private static IEnumerable<SpoolEntry> Needed(SpoolEntry[] entries)
    {
        Dictionary<string, SpoolEntry> last = [];
        foreach (SpoolEntry entry in entries)
        {
            if (entry.Registration is { } registration)
            {
                last[registration.MinerId] = entry;
            }
        }
        return entries.Where(e => e.Registration is not { } registration || ReferenceEquals(last[registration.MinerId], e));
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

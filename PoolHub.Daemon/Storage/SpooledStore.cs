using System.Security.Cryptography;
using System.Text;
using PoolHub.Daemon.Storage.Spool;
using PoolHub.Protocol;

namespace PoolHub.Daemon.Storage;

/// <summary>
/// PostgreSQL with a spool in the state directory. While the database is away, and until what was spooled is delivered,
/// feedback, registrations of known miners, goodbyes and drains are made durable in the spool; everything else is refused. Nothing
/// is delivered twice: feedback is recorded once per (coordinator, job, miner, outcome), and the others may be written again.
/// </summary>
internal sealed class SpooledStore : IHubStore
{
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(1);

    private readonly PostgresHubStore _database;
    private readonly SpoolFile _spool;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly Lock _gate = new();

    /// <summary>The keys of the feedback that is in the spool or on its way there, each with what it is durable after.</summary>
    private readonly Dictionary<UInt128, Task> _reported;
    private volatile bool _spoolFails;
    private Func<string, bool> _knows = _ => false;
    private SpoolDelivery? _delivery;

    private SpooledStore(PostgresHubStore database, SpoolFile spool, Dictionary<UInt128, Task> reported, TimeProvider time, ILogger log) =>
        (_database, _spool, _reported, _time, _log) = (database, spool, reported, time, log);

    public StoreFigures Figures
    {
        get
        {
            StoreFigures figures = _database.Figures;
            string? trouble = figures.Trouble;
            if (trouble is not null && _database.IsAway)
            {
                trouble += _spool.Trouble is { } full
                    ? $"; {full}"
                    : "; matches, heartbeats and known miners go on, feedback is spooled, new miners and keys are refused";
            }
            return figures with { Trouble = trouble, Spooled = _spool.Count, SpooledSince = _spool.Since };
        }
    }

    /// <exception cref="StoreRefusedException">The database or the state directory cannot be used.</exception>
    public static async Task<SpooledStore> OpenAsync(
        Postgres.PostgresDsn dsn, string stateDir, TimeProvider time, ILogger<PostgresHubStore> log, CancellationToken cancel = default)
    {
        Dictionary<UInt128, Task> reported = [];
#pragma warning disable CA2000 // The store that is returned owns them.
        SpoolFile spool = SpoolFile.Open(stateDir, entry =>
        {
            if (entry.Feedback is { } feedback)
            {
                reported[KeyOf(feedback)] = Task.CompletedTask;
            }
        });
        try
        {
            if (spool.TornBytes > 0)
            {
                StorageLog.SpoolTorn(log, spool.Path, spool.TornBytes);
            }
            if (spool.Count > 0)
            {
                StorageLog.SpoolFound(log, spool.Count, spool.Path);
            }
            return new SpooledStore(await PostgresHubStore.OpenAsync(dsn, time, log, cancel: cancel), spool, reported, time, log);
#pragma warning restore CA2000
        }
        catch
        {
            spool.Dispose();
            throw;
        }
    }

    /// <summary>Begins to deliver, now and whenever something was spooled. Called once, when the hub knows its miners.</summary>
    /// <param name="knows">Whether the database holds a miner.</param>
    /// <param name="teach">Records a report in the store that it is given, and learns from it.</param>
    public void Deliver(Func<string, bool> knows, Func<IHubStore, StoredFeedback, Task> teach)
    {
        _knows = knows;
        _delivery = new SpoolDelivery(_database, _spool, teach, Forget, _log);
    }

    /// <summary>What was spooled of the miners comes first: they are loaded as they were last.</summary>
    public async Task<IReadOnlyList<StoredMiner>> LoadAsync(CancellationToken cancel)
    {
        while (true)
        {
            try
            {
                foreach (SpoolEntry[] entries in _spool.All())
                {
                    await Task.WhenAll(entries.Where(e => e.Feedback is null).Select(e => SpoolDelivery.WriteAsync(_database, e)));
                }
                return await _database.LoadAsync(cancel);
            }
            catch (StoreAwayException)
            {
                await Task.Delay(s_pause, cancel);
            }
        }
    }

    public Task SaveRegistrationAsync(string minerId, MinerProfile profile, long epoch, StoredKeys? claim, DateTimeOffset at) => claim is null
        ? SaveAsync(
            () => _database.SaveRegistrationAsync(minerId, profile, epoch, null, at),
            new SpoolEntry(at, Registration: new SpooledRegistration(minerId, profile, epoch)))
        // Nobody can say whether the id is free.
        : _database.SaveRegistrationAsync(minerId, profile, epoch, claim, at);

    public Task SaveKeysAsync(string minerId, StoredKeys keys, DateTimeOffset at, AuditEntry? audit = null) =>
        _database.SaveKeysAsync(minerId, keys, at, audit);

    public Task SaveEpochAsync(string minerId, long epoch) => SaveAsync(
        () => _database.SaveEpochAsync(minerId, epoch), new SpoolEntry(_time.GetUtcNow(), Epoch: new SpooledEpoch(minerId, epoch)));

    public Task SaveDrainingAsync(string minerId, bool draining, AuditEntry? audit = null) => SaveAsync(
        () => _database.SaveDrainingAsync(minerId, draining, audit),
        new SpoolEntry(_time.GetUtcNow(), Draining: new SpooledDraining(minerId, draining)));

    public Task SavePriceOverrideAsync(string minerId, PriceOverride? price, DateTimeOffset at, AuditEntry? audit = null) =>
        _database.SavePriceOverrideAsync(minerId, price, at, audit);

    public Task SaveAuditAsync(AuditEntry entry) => _database.SaveAuditAsync(entry);

    public Task<IReadOnlyList<AuditEntry>> ReadAuditAsync(string? minerId, long before, int limit, CancellationToken cancel) =>
        _database.ReadAuditAsync(minerId, before, limit, cancel);

    public Task<int> ForgetAuditAsync(DateTimeOffset before, int limit) => _database.ForgetAuditAsync(before, limit);

    public async Task<FeedbackReceipt> RecordFeedbackAsync(StoredFeedback feedback, Func<TrustState, TrustState> learn)
    {
        if (await IsSpoolEmptyAsync())
        {
            try
            {
                return await _database.RecordFeedbackAsync(feedback, learn);
            }
            catch (StoreAwayException)
            {
                // Whether it was kept is not known; delivered again it is a duplicate.
            }
        }
        if (!_knows(feedback.MinerId))
        {
            throw new UnknownMinerException($"The store knows no miner {feedback.MinerId}.");
        }
        UInt128 key = KeyOf(feedback);
        Task? append;
        bool isNew;
        lock (_gate)
        {
            isNew = !_reported.TryGetValue(key, out append);
            append ??= _reported[key] = AppendAsync(new SpoolEntry(feedback.At, feedback));
        }
        try
        {
            // A duplicate is not answered before the report is durable that it repeats.
            await append;
        }
        catch when (isNew)
        {
            lock (_gate)
            {
                _ = _reported.Remove(key);
            }
            throw;
        }
        if (isNew)
        {
            lock (_gate)
            {
                // Of a million that may wait, the keys are enough. It may be delivered by now.
                if (_reported.ContainsKey(key))
                {
                    _reported[key] = Task.CompletedTask;
                }
            }
        }
        return new FeedbackReceipt(isNew, default, Spooled: true);
    }

    /// <summary>Refused while feedback waits in the spool: delivered after the reset, it would be learnt though it came before.</summary>
    public async Task ResetTrustAsync(string minerId, Action forget, AuditEntry audit)
    {
        if (!await IsSpoolEmptyAsync())
        {
            throw new StoreUnavailableException("Feedback that was reported before waits for the database; try again when it is delivered.");
        }
        await _database.ResetTrustAsync(minerId, forget, audit);
    }

    public Task<IReadOnlyList<FeedbackRow>> ReadFeedbackAsync(string minerId, long before, int limit, CancellationToken cancel) =>
        _database.ReadFeedbackAsync(minerId, before, limit, cancel);

    public Task SaveStatusesAsync(IReadOnlyList<StoredStatus> batch) => _database.SaveStatusesAsync(batch);

    public Task<int> ForgetFeedbackAsync(DateTimeOffset before, int limit) => _database.ForgetFeedbackAsync(before, limit);

    public async ValueTask DisposeAsync()
    {
        if (_delivery is not null)
        {
            await _delivery.DisposeAsync();
        }
        await _database.DisposeAsync();
        _spool.Dispose();
    }

    /// <summary>To the database; or to the spool, and also while others wait there, so that no two change places.</summary>
    private async Task SaveAsync(Func<Task> save, SpoolEntry entry)
    {
        if (await IsSpoolEmptyAsync())
        {
            try
            {
                await save();
                return;
            }
            catch (StoreAwayException)
            {
                // May be written again.
            }
        }
        await AppendAsync(entry);
    }

    private async ValueTask<bool> IsSpoolEmptyAsync()
    {
        if (_spool.Count > 0 && _delivery is { } delivery)
        {
            await delivery.Rest;
        }
        return _spool.Count == 0;
    }

    private async Task AppendAsync(SpoolEntry entry)
    {
        try
        {
            await _spool.AppendAsync(entry);
            _spoolFails = false;
        }
        catch (StoreUnavailableException e)
        {
            // Once, not for each of those who are told.
            if (!_spoolFails)
            {
                _spoolFails = true;
                StorageLog.SpoolFailed(_log, _spool.Path, e);
            }
            throw;
        }
    }

    /// <summary>They are delivered, and the same reports would be duplicates there.</summary>
    private void Forget(SpoolEntry[] entries)
    {
        lock (_gate)
        {
            foreach (SpoolEntry entry in entries)
            {
                if (entry.Feedback is { } feedback)
                {
                    _ = _reported.Remove(KeyOf(feedback));
                }
            }
        }
    }

    private static UInt128 KeyOf(StoredFeedback feedback)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        // No text holds a control character. One that comes matched is news after one that was not.
        _ = SHA256.HashData(
            Encoding.UTF8.GetBytes($"{feedback.Coordinator}\n{feedback.JobId}\n{feedback.MinerId}\n{feedback.Outcome}\n{feedback.Matched}"), hash);
        return BitConverter.ToUInt128(hash);
    }
}

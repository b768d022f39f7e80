using PoolHub.Daemon.Storage;
using PoolHub.Protocol;

namespace PoolHub.Tests.Registry;

/// <summary>Remembers what was saved; a registration can be held up while it is under way, or refused.</summary>
internal sealed class MemoryStore : IHubStore
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, TrustState> _trust = [];
    private Task _held = Task.CompletedTask;

    public List<(string MinerId, MinerProfile Profile, long Epoch, DateTimeOffset At)> Registrations { get; } = [];
    public Dictionary<string, StoredKeys> Keys { get; } = [];
    public Dictionary<string, long> Epochs { get; } = [];
    public Dictionary<string, bool> Draining { get; } = [];

    public bool Away { get; set; }

    /// <summary>Registrations wait until the returned source is set.</summary>
    public TaskCompletionSource Hold()
    {
        var held = new TaskCompletionSource();
        _held = held.Task;
        return held;
    }

    public async Task SaveRegistrationAsync(string minerId, MinerProfile profile, long epoch, StoredKeys? claim, DateTimeOffset at)
    {
        await _held;
        if (Away)
        {
            throw new StoreUnavailableException();
        }
        lock (_gate)
        {
            Registrations.Add((minerId, profile, epoch, at));
            if (claim is not null)
            {
                Keys[minerId] = claim;
            }
        }
    }

    public Task SaveKeysAsync(string minerId, StoredKeys keys, DateTimeOffset at, AuditEntry? audit = null)
    {
        lock (_gate)
        {
            Keys[minerId] = keys;
        }
        return Task.CompletedTask;
    }

    public Task SaveEpochAsync(string minerId, long epoch)
    {
        lock (_gate)
        {
            Epochs[minerId] = epoch;
        }
        return Task.CompletedTask;
    }

    public Task SaveDrainingAsync(string minerId, bool draining, AuditEntry? audit = null)
    {
        lock (_gate)
        {
            Draining[minerId] = draining;
        }
        return Task.CompletedTask;
    }

    public Task<FeedbackReceipt> RecordFeedbackAsync(StoredFeedback feedback, Func<TrustState, TrustState> learn)
    {
        lock (_gate)
        {
            TrustState known = _trust.GetValueOrDefault(feedback.MinerId, TrustState.None);
            TrustState learnt = _trust[feedback.MinerId] = feedback.Matched ? learn(known) : known;
            return Task.FromResult(new FeedbackReceipt(true, learnt));
        }
    }

    public Task ResetTrustAsync(string minerId, Action forget, AuditEntry audit)
    {
        lock (_gate)
        {
            forget();
            _ = _trust.Remove(minerId);
        }
        return Task.CompletedTask;
    }

    public StoreFigures Figures => default;
    public Task<IReadOnlyList<FeedbackRow>> ReadFeedbackAsync(string minerId, long before, int limit, CancellationToken cancel) =>
        Task.FromResult<IReadOnlyList<FeedbackRow>>([]);
    public Task SavePriceOverrideAsync(string minerId, PriceOverride? price, DateTimeOffset at, AuditEntry? audit = null) => Task.CompletedTask;
    public Task SaveAuditAsync(AuditEntry entry) => Task.CompletedTask;
    public Task<IReadOnlyList<AuditEntry>> ReadAuditAsync(string? minerId, long before, int limit, CancellationToken cancel) =>
        Task.FromResult<IReadOnlyList<AuditEntry>>([]);
    public Task<int> ForgetAuditAsync(DateTimeOffset before, int limit) => Task.FromResult(0);
    public Task<int> ForgetFeedbackAsync(DateTimeOffset before, int limit) => Task.FromResult(0);
    public Task<IReadOnlyList<StoredMiner>> LoadAsync(CancellationToken cancel) => Task.FromResult<IReadOnlyList<StoredMiner>>([]);
    public Task SaveStatusesAsync(IReadOnlyList<StoredStatus> batch) => Task.CompletedTask;
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}

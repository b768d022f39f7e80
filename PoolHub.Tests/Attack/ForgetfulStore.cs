using PoolHub.Daemon.Storage;
using PoolHub.Protocol;

namespace PoolHub.Tests.Attack;

/// <summary>Takes every write at once and keeps none: millions of them cost no memory that the hub would be blamed for.</summary>
internal sealed class ForgetfulStore : IHubStore
{
    /// <summary>What becomes of removing old feedback.</summary>
    public Exception? Fault { get; init; }

    public StoreFigures Figures => default;
    public Task SaveRegistrationAsync(string minerId, MinerProfile profile, long epoch, StoredKeys? claim, DateTimeOffset at) => Task.CompletedTask;
    public Task SaveKeysAsync(string minerId, StoredKeys keys, DateTimeOffset at, AuditEntry? audit = null) => Task.CompletedTask;
    public Task SaveEpochAsync(string minerId, long epoch) => Task.CompletedTask;
    public Task SaveDrainingAsync(string minerId, bool draining, AuditEntry? audit = null) => Task.CompletedTask;
    public Task SavePriceOverrideAsync(string minerId, PriceOverride? price, DateTimeOffset at, AuditEntry? audit = null) => Task.CompletedTask;
    public Task ResetTrustAsync(string minerId, Action forget, AuditEntry audit)
    {
        forget();
        return Task.CompletedTask;
    }
    public Task<IReadOnlyList<FeedbackRow>> ReadFeedbackAsync(string minerId, long before, int limit, CancellationToken cancel) =>
        Task.FromResult<IReadOnlyList<FeedbackRow>>([]);
    public Task SaveStatusesAsync(IReadOnlyList<StoredStatus> batch) => Task.CompletedTask;
    public Task SaveAuditAsync(AuditEntry entry) => Task.CompletedTask;
    public Task<IReadOnlyList<AuditEntry>> ReadAuditAsync(string? minerId, long before, int limit, CancellationToken cancel) =>
        Task.FromResult<IReadOnlyList<AuditEntry>>([]);
    public Task<int> ForgetAuditAsync(DateTimeOffset before, int limit) => Task.FromResult(0);
    public Task<int> ForgetFeedbackAsync(DateTimeOffset before, int limit) => Fault is { } fault ? Task.FromException<int>(fault) : Task.FromResult(0);
    public Task<IReadOnlyList<StoredMiner>> LoadAsync(CancellationToken cancel) => Task.FromResult<IReadOnlyList<StoredMiner>>([]);
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    public Task<FeedbackReceipt> RecordFeedbackAsync(StoredFeedback feedback, Func<TrustState, TrustState> learn) =>
        Task.FromResult(new FeedbackReceipt(true, feedback.Matched ? learn(TrustState.None) : TrustState.None));
}

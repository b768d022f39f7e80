using System.Text.Json.Serialization;
using PoolHub.Protocol;

namespace PoolHub.Daemon.Storage;

/// <summary>
/// What survives a restart. A write is durable when its task completes; writes that arrive together are committed
/// together, and each stands or falls alone. A store that cannot take a write fails it with
/// <see cref="StoreUnavailableException"/>. Times are kept to the millisecond.
/// </summary>
internal interface IHubStore : IAsyncDisposable
{
    /// <summary>How it is doing now.</summary>
    StoreFigures Figures { get; }

    /// <summary>Every miner with its keys, trust and last status. Called once, before anything else.</summary>
    Task<IReadOnlyList<StoredMiner>> LoadAsync(CancellationToken cancel);

    /// <summary>
    /// Creates the miner or replaces its profile and epoch; with <paramref name="claim"/> its keys as well, and who claimed
    /// them. The first registration of a newer epoch takes back what the session before had last reported of its load: a new
    /// session begins idle.
    /// </summary>
    Task SaveRegistrationAsync(string minerId, MinerProfile profile, long epoch, StoredKeys? claim, DateTimeOffset at);

    /// <summary>Replaces the miner's keys, creating the miner without a profile when it is not known.</summary>
    /// <param name="audit">Kept with the change, or not at all.</param>
    Task SaveKeysAsync(string minerId, StoredKeys keys, DateTimeOffset at, AuditEntry? audit = null);

    /// <summary>Ends the sessions that carry an older epoch, so that the miner has left; an epoch never goes back. Unknown miners are passed over.</summary>
    Task SaveEpochAsync(string minerId, long epoch);

    /// <summary>Keeps whether the miner drains: takes no new jobs until it is told otherwise. Unknown miners are passed over.</summary>
    /// <param name="audit">Kept with the change, or not at all; while the change waits in a spool it may be lost.</param>
    Task SaveDrainingAsync(string minerId, bool draining, AuditEntry? audit = null);

    /// <summary>
    /// Records an outcome once per (coordinator, job, miner, outcome), and with it, in the same transaction, the trust that
    /// <paramref name="learn"/> makes of the trust stored so far. One that was recorded as unmatched is recorded anew when it
    /// comes matched; every other repetition is a duplicate. <paramref name="learn"/> is called for what is recorded as
    /// matched, in the order in which a miner's outcomes become durable, and again when a transaction is retried.
    /// A miner that the store does not know fails with <see cref="UnknownMinerException"/>.
    /// </summary>
    Task<FeedbackReceipt> RecordFeedbackAsync(StoredFeedback feedback, Func<TrustState, TrustState> learn);

    /// <summary>
    /// Takes a miner's trust back to <see cref="TrustState.None"/>, in order with the outcomes that are being learnt.
    /// A miner that the store does not know fails with <see cref="UnknownMinerException"/>.
    /// </summary>
    /// <param name="forget">Called in the place of a lesson; see <see cref="RecordFeedbackAsync"/>.</param>
    /// <param name="audit">Kept with the change, or not at all.</param>
    Task ResetTrustAsync(string minerId, Action forget, AuditEntry audit);

    /// <summary>The newest reports of a miner with an id below <paramref name="before"/>, newest first.</summary>
    Task<IReadOnlyList<FeedbackRow>> ReadFeedbackAsync(string minerId, long before, int limit, CancellationToken cancel);

    /// <summary>
    /// Replaces the last known status of each miner in the batch, which holds a miner once; unknown miners are passed
    /// over. A large batch is committed in parts, and other writes go between them.
    /// </summary>
    Task SaveStatusesAsync(IReadOnlyList<StoredStatus> batch);

    /// <summary>Sets or, with null, takes away the price that an admin gives a miner. Unknown miners are passed over.</summary>
    /// <param name="audit">Kept with the change, or not at all.</param>
    Task SavePriceOverrideAsync(string minerId, PriceOverride? price, DateTimeOffset at, AuditEntry? audit = null);

    /// <summary>Keeps an entry of a change that is not in the store.</summary>
    Task SaveAuditAsync(AuditEntry entry);

    /// <summary>The newest entries with an id below <paramref name="before"/>, newest first; of one miner, or with null of all.</summary>
    Task<IReadOnlyList<AuditEntry>> ReadAuditAsync(string? minerId, long before, int limit, CancellationToken cancel);

    /// <summary>As <see cref="ForgetFeedbackAsync"/>, of entries.</summary>
    Task<int> ForgetAuditAsync(DateTimeOffset before, int limit);

    /// <summary>
    /// Removes feedback from before a time, the oldest first and at most <paramref name="limit"/>; the trust that was
    /// learnt of it stays. Returns how many were removed: fewer than the limit when there is no more.
    /// </summary>
    Task<int> ForgetFeedbackAsync(DateTimeOffset before, int limit);
}

/// <summary>A whole store read and written at once, to move it to another form. Nothing else writes meanwhile.</summary>
internal interface IStoreArchive
{
    Task<IReadOnlyList<StoredMiner>> LoadAsync(CancellationToken cancel);

    Task<long> CountFeedbackAsync(CancellationToken cancel);

    /// <summary>All feedback in the order in which it was recorded.</summary>
    IAsyncEnumerable<StoredFeedback> ReadFeedbackAsync(CancellationToken cancel);

    Task<long> CountAuditAsync(CancellationToken cancel);

    /// <summary>All entries, the oldest first.</summary>
    IAsyncEnumerable<AuditEntry> ReadAuditAsync(CancellationToken cancel);

    /// <summary>Adds all of it, with all that is known of the miners, or nothing: it is one transaction.</summary>
    /// <returns>How much was written: feedback of miners that the store does not know is passed over.</returns>
    Task<ArchiveEnd> ImportAsync(IEnumerable<ArchiveBatch> batches);
}

/// <param name="Commits">Transactions committed so far.</param>
/// <param name="Writes">Writes made durable so far; a row of a status batch counts as one.</param>
/// <param name="Waiting">Writes that wait for their transaction.</param>
/// <param name="Trouble">What keeps it from making anything durable, for people; null while all is well.</param>
/// <param name="Spooled">Entries that are durable in the spool and wait for the database.</param>
/// <param name="SpooledSince">When the oldest of them came; null when there is none.</param>
internal readonly record struct StoreFigures(
    long Commits = 0, long Writes = 0, int Waiting = 0, string? Trouble = null, int Spooled = 0, DateTimeOffset? SpooledSince = null);

/// <summary>A miner as it was stored.</summary>
/// <param name="Profile">Null when a key was issued and the miner has not registered yet.</param>
/// <param name="Epoch">The number of its last session.</param>
/// <param name="RegisteredEpoch">The number of the last session that registered; 0 when none did.</param>
/// <param name="LastSeenAt">Its last registration or status, whichever is later; null when it never came.</param>
/// <param name="Price">What an admin has it offered at; it may have ended.</param>
/// <param name="Draining">It takes no new jobs.</param>
internal sealed record StoredMiner(
    string MinerId,
    MinerProfile? Profile,
    long Epoch,
    long RegisteredEpoch,
    StoredKeys Keys,
    TrustState Trust,
    StoredStatus? Status,
    DateTimeOffset CreatedAt,
    DateTimeOffset? LastSeenAt = null,
    PriceOverride? Price = null,
    bool Draining = false)
{
    /// <summary>Its sessions were ended since it last registered: nobody is to be offered.</summary>
    [JsonIgnore]
    public bool HasLeft => Epoch > RegisteredEpoch;
}

/// <summary>SHA-256 hashes of a miner's keys. A revoked miner has none.</summary>
/// <param name="Previous">The key before the last rotation, valid until <paramref name="PreviousUntil"/>.</param>
/// <param name="IssuedAt">When it was given its first key, or the first since it was revoked; null when that is not known.</param>
/// <param name="RotatedAt">When its key was last rotated; null when it never was.</param>
/// <param name="RevokedAt">When its keys were taken away; null when they were not, also for one that never had any.</param>
internal sealed record StoredKeys(
    byte[]? Current,
    byte[]? Previous = null,
    DateTimeOffset? PreviousUntil = null,
    DateTimeOffset? IssuedAt = null,
    DateTimeOffset? RotatedAt = null,
    DateTimeOffset? RevokedAt = null);

/// <param name="SeenAt">When the miner was last heard of.</param>
/// <param name="KeyUsedAt">When it last logged in with its key; null leaves what is stored.</param>
internal readonly record struct StoredStatus(
    string MinerId, int QueueLen, bool Busy, int? AvgLatencyMs, int? TempC, double? MemFreeGb, DateTimeOffset SeenAt,
    DateTimeOffset? KeyUsedAt = null);

/// <param name="Coordinator">Who reported it. Until they were told apart, all of them were the default one.</param>
/// <param name="Matched">Whether a match had given the coordinator this miner for this job: only then it teaches.</param>
internal sealed record StoredFeedback(
    string JobId, string MinerId, string Outcome, int? LatencyMs, string? FailCode, TokenPrice? TokensSpent, DateTimeOffset At,
    string Coordinator = NamedSecret.DefaultName, bool Matched = true);

/// <param name="Id">Given by the store; later reports have greater ones.</param>
internal readonly record struct FeedbackRow(long Id, StoredFeedback Feedback);

/// <summary>An admin's price for a miner, in place of its own.</summary>
/// <param name="EndsAt">From when on the miner's own counts again; null: until it is taken away.</param>
/// <param name="SetAt">When the admin gave it, as it was read from a store.</param>
internal sealed record PriceOverride(TokenPrice Price, DateTimeOffset? EndsAt, DateTimeOffset? SetAt = null);

/// <param name="Recorded">False for a duplicate.</param>
/// <param name="Trust">The miner's trust as it is stored now; nothing when it was spooled.</param>
/// <param name="Spooled">It is durable, and will be in the database as soon as that is back.</param>
internal readonly record struct FeedbackReceipt(bool Recorded, TrustState Trust, bool Spooled = false);

/// <summary>What feedback has taught of one miner; see docs/scoring.md, "Trust".</summary>
/// <param name="Good">Decayed count of outcomes for the miner, as of <paramref name="At"/>.</param>
/// <param name="Bad">Decayed count of outcomes against it.</param>
/// <param name="FailuresInARow">Failures by its own fault since its last success or ejection.</param>
/// <param name="Ejections">Ejections that have not been forgiven.</param>
/// <param name="Score">
/// The score that follows from the counts, as of <paramref name="At"/>. It is stored only for people who read the table;
/// the hub computes it anew, because it drifts.
/// </param>
internal readonly record struct TrustState(
    double Good,
    double Bad,
    DateTimeOffset At,
    int FailuresInARow,
    int Ejections,
    DateTimeOffset? EjectedUntil,
    double Score = TrustState.NeutralScore)
{
    /// <summary>The score of a miner of which nothing has been learnt.</summary>
    public const double NeutralScore = 0.5;

    /// <summary>Nothing learnt yet.</summary>
    public static TrustState None => new(0, 0, DateTimeOffset.UnixEpoch, 0, 0, null);
}

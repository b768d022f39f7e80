using PoolHub.Protocol;

namespace PoolHub.Daemon.Storage.Postgres;

/// <summary>A write that waits for its group, and the task of whoever waits for it.</summary>
internal abstract class PostgresWrite
{
    // A caller that went on within SetResult would hold up the writer.
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task Task => _done.Task;

    /// <summary>Kept with it; null when there is nothing to keep.</summary>
    public virtual AuditEntry? Audit => null;

    /// <summary>Called after the commit.</summary>
    public void Complete() => _done.TrySetResult();

    public void Fail(Exception reason) => _done.TrySetException(reason);
}

internal sealed class RegistrationWrite(string minerId, MinerProfile profile, long epoch, StoredKeys? claim, DateTimeOffset at) : PostgresWrite
{
    public string MinerId => minerId;
    public MinerProfile Profile => profile;
    public long Epoch => epoch;
    public StoredKeys? Claim => claim;
    public DateTimeOffset At => at;
    public override AuditEntry? Audit => claim is null ? null : AuditEntry.Claim(minerId, at);
}

internal sealed class KeysWrite(string minerId, StoredKeys keys, DateTimeOffset at, AuditEntry? audit) : PostgresWrite
{
    public string MinerId => minerId;
    public StoredKeys Keys => keys;
    public DateTimeOffset At => at;
    public override AuditEntry? Audit => audit;
}

internal sealed class EpochWrite(string minerId, long epoch) : PostgresWrite
{
    public string MinerId => minerId;
    public long Epoch => epoch;
}

internal sealed class DrainingWrite(string minerId, bool draining, AuditEntry? audit) : PostgresWrite
{
    public string MinerId => minerId;
    public bool Draining => draining;
    public override AuditEntry? Audit => audit;
}

internal sealed class PriceWrite(string minerId, PriceOverride? price, DateTimeOffset at, AuditEntry? audit = null) : PostgresWrite
{
    public string MinerId => minerId;
    public PriceOverride? Price => price;
    public DateTimeOffset At => at;
    public override AuditEntry? Audit => audit;
}

internal sealed class AuditWrite(AuditEntry entry) : PostgresWrite
{
    public override AuditEntry? Audit => entry;
}

/// <summary>What changes a miner's trust, in its turn.</summary>
internal abstract class LessonWrite(string minerId) : PostgresWrite
{
    public string MinerId => minerId;

    /// <summary>Set before it is complete.</summary>
    public FeedbackReceipt Receipt { get; set; }

    /// <summary>Set when this alone is refused, whatever becomes of its group.</summary>
    public Exception? Refusal { get; set; }
}

internal sealed class FeedbackWrite(StoredFeedback feedback, Func<TrustState, TrustState> learn) : LessonWrite(feedback.MinerId)
{
    public StoredFeedback Feedback => feedback;
    public FeedbackKey Key => new(feedback.Coordinator, feedback.JobId, feedback.MinerId, feedback.Outcome);

    public TrustState Learn(TrustState state)
    {
        TrustState learnt = learn(state);
        // The receipt must say what a reader of the table will find.
        return learnt with { At = Columns.Exact(learnt.At), EjectedUntil = learnt.EjectedUntil is { } until ? Columns.Exact(until) : null };
    }

    public async Task<FeedbackReceipt> ReceiptAsync()
    {
        await Task;
        return Receipt;
    }
}

/// <param name="entry">Written only where there is such a miner.</param>
internal sealed class TrustResetWrite(string minerId, Action forget, AuditEntry entry) : LessonWrite(minerId)
{
    public AuditEntry Entry => entry;

    public void Forget() => forget();
}

/// <summary>An outcome is recorded once.</summary>
internal readonly record struct FeedbackKey(string Coordinator, string JobId, string MinerId, string Outcome);

/// <summary>A batch of statuses, which is written part by part.</summary>
internal sealed class StatusesWrite(StoredStatus[] rows) : PostgresWrite
{
    /// <summary>Rows of one statement: some tens of milliseconds, the longest that another write has to wait for.</summary>
    private const int RowsPerTurn = 10_000;

    private int _written;

    public bool IsWritten => _written == rows.Length;

    public ArraySegment<StoredStatus> NextTurn => new(rows, _written, Math.Min(RowsPerTurn, rows.Length - _written));

    public void Advance(int count) => _written += count;
}

namespace PoolHub.Daemon.Storage;

/// <summary>One line of an export: exactly one of these is given. The first is a beginning, the last an end.</summary>
internal sealed record ArchiveLine(
    ArchiveBegin? Begin = null, StoredMiner? Miner = null, StoredFeedback? Feedback = null, AuditEntry? Audit = null,
    ArchiveEnd? End = null);

/// <param name="Format">Of the file; a reader refuses one that it does not know.</param>
/// <param name="Miners">How many lines of each kind are to come, for the progress bar.</param>
internal sealed record ArchiveBegin(int Format, long Miners, long Feedback, long Audit = 0);

/// <summary>Some of it, in the order of the file.</summary>
internal sealed record ArchiveBatch(IReadOnlyList<StoredMiner> Miners, IReadOnlyList<StoredFeedback> Feedback, IReadOnlyList<AuditEntry> Audit);

/// <summary>Tells a whole file from one that was cut off.</summary>
internal sealed record ArchiveEnd(long Miners, long Feedback, long Audit = 0)
{
    public ArchiveEnd Plus(long miners, long feedback, long audit) => new(Miners + miners, Feedback + feedback, Audit + audit);
}

using System.Globalization;
using System.Text.Json;

namespace PoolHub.Daemon.Storage;

/// <summary>
/// A whole store as a file of JSON lines, to keep it or to move it to another form: a beginning with the counts, every
/// miner, all feedback, the audit log, and an end. It holds the hashes of keys, but no key.
/// </summary>
internal static class StoreArchive
{
    /// <summary>
    /// Older ones are read as well. 1 has no audit log; 1 and 2 say whether a miner had left, and not which session registered
    /// last, nor who reported feedback.
    /// </summary>
    private const int Format = 3;

    /// <summary>Lines that are written together.</summary>
    private const int BatchSize = 2_000;

    /// <summary>Writes a new file, which only its owner may read.</summary>
    /// <param name="store">It may change meanwhile; then the file may hold a report whose trust it does not hold yet.</param>
    /// <param name="path">Must not exist.</param>
    /// <param name="progress">Told how many lines of how many are done.</param>
    /// <exception cref="IOException">The file is there already, or cannot be written.</exception>
    public static async Task<ArchiveEnd> ExportAsync(IStoreArchive store, string path, Action<long, long> progress, CancellationToken cancel)
    {
        IReadOnlyList<StoredMiner> miners = await store.LoadAsync(cancel);
        long feedback = await store.CountFeedbackAsync(cancel);
        long entries = await store.CountAuditAsync(cancel);
        await using var file = new FileStream(path, StateDirectory.OwnerOnly(FileMode.CreateNew, FileShare.None));
        long written = 0;
        async Task WriteAsync(ArchiveLine line)
        {
            byte[] json = JsonSerializer.SerializeToUtf8Bytes(line, StoreJson.Readable.ArchiveLine);
            await file.WriteAsync(json, cancel);
            file.WriteByte((byte)'\n');
            if (++written % BatchSize == 0)
            {
                progress(written, miners.Count + feedback + entries);
            }
        }
        await WriteAsync(new ArchiveLine(Begin: new ArchiveBegin(Format, miners.Count, feedback, entries)));
        foreach (StoredMiner miner in miners)
        {
            await WriteAsync(new ArchiveLine(Miner: miner));
        }
        long reports = 0;
        await foreach (StoredFeedback report in store.ReadFeedbackAsync(cancel))
        {
            await WriteAsync(new ArchiveLine(Feedback: report));
            reports++;
        }
        long audited = 0;
        await foreach (AuditEntry entry in store.ReadAuditAsync(cancel))
        {
            await WriteAsync(new ArchiveLine(Audit: entry));
            audited++;
        }
        var end = new ArchiveEnd(miners.Count, reports, audited);
        await WriteAsync(new ArchiveLine(End: end));
        await file.FlushAsync(cancel);
        RandomAccess.FlushToDisk(file.SafeFileHandle);
        progress(written, written);
        return end;
    }

    /// <summary>
    /// Reads such a file into an empty store: all of it, or nothing. The whole file is looked through before anything is written.
    /// </summary>
    /// <returns>What was written, and how many reports were not because their miner is not in the file.</returns>
    /// <exception cref="StoreRefusedException">The file is not whole, or the store is not empty.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static async Task<(ArchiveEnd Written, long LeftOut)> ImportAsync(
        IStoreArchive store, string path, Action<long, long> progress, CancellationToken cancel)
    {
        ArchiveEnd whole = await CheckAsync(path, cancel);
        if ((await store.LoadAsync(cancel)).Count > 0 || await store.CountFeedbackAsync(cancel) > 0 || await store.CountAuditAsync(cancel) > 0)
        {
            throw new StoreRefusedException("The store is not empty; an import would mix two fleets. Give it an empty database or state directory.");
        }
        long lines = whole.Miners + whole.Feedback + whole.Audit;
        ArchiveEnd written = await store.ImportAsync(Read(path, done => progress(done, lines)));
        progress(lines, lines);
        return (written, whole.Feedback - written.Feedback);
    }

    private static IEnumerable<ArchiveBatch> Read(string path, Action<long> progress)
    {
        long read = 0;
        int format = Format;
        foreach (string[] texts in File.ReadLines(path).Chunk(BatchSize))
        {
            ArchiveLine[] lines = Array.ConvertAll(texts, text =>
            {
                ArchiveLine line = Parse(text, path, ++read);
                format = line.Begin?.Format ?? format;
                return format < 3 && line.Miner is { } miner ? line with { Miner = Upgrade(miner, text) } : line;
            });
            yield return new ArchiveBatch(
                [.. lines.Select(l => l.Miner).OfType<StoredMiner>()],
                [.. lines.Select(l => l.Feedback).OfType<StoredFeedback>()],
                [.. lines.Select(l => l.Audit).OfType<AuditEntry>()]);
            progress(read);
        }
    }

    private static async Task<ArchiveEnd> CheckAsync(string path, CancellationToken cancel)
    {
        long number = 0;
        ArchiveEnd counted = new(0, 0);
        ArchiveEnd? end = null;
        await foreach (string text in File.ReadLinesAsync(path, cancel))
        {
            ArchiveLine line = Parse(text, path, ++number);
            if ((number == 1) != line.Begin is not null || end is not null)
            {
                throw Refused(path, number, "it does not begin or end as an export does");
            }
            if (line.Begin is { Format: (< 1 or > Format) and var format })
            {
                throw Refused(path, number, string.Create(CultureInfo.InvariantCulture, $"it has format {format}, and this poolhubd knows {Format}"));
            }
            counted = counted.Plus(line.Miner is null ? 0 : 1, line.Feedback is null ? 0 : 1, line.Audit is null ? 0 : 1);
            end = line.End;
        }
        return end == counted ? counted : throw Refused(path, number, "it was cut off");
    }

    private static ArchiveLine Parse(string text, string path, long number)
    {
        try
        {
            return JsonSerializer.Deserialize(text, StoreJson.Readable.ArchiveLine) ?? throw Refused(path, number, "it is empty");
        }
        catch (JsonException e)
        {
            throw Refused(path, number, $"it is not a line of an export ({e.Message})");
        }
    }

    /// <summary>A miner that has left had registered in an earlier session than its last, whichever that was.</summary>
    private static StoredMiner Upgrade(StoredMiner miner, string text)
    {
        using JsonDocument line = JsonDocument.Parse(text);
        bool left = line.RootElement.GetProperty("miner").TryGetProperty("has_left", out JsonElement hasLeft) && hasLeft.GetBoolean();
        return miner with { RegisteredEpoch = left ? miner.Epoch - 1 : miner.Epoch };
    }

    private static StoreRefusedException Refused(string path, long line, string why) =>
        new(string.Create(CultureInfo.InvariantCulture, $"{path}, line {line}: {why}. Nothing was imported."));
}

using System.Buffers;
using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json;

namespace PoolHub.Daemon.Storage.Spool;

/// <summary>
/// A file that only grows, until all of it is delivered and it is emptied. A line is a batch of entries that were synced
/// to the disk together: a checksum, a blank, and a JSON array. Only the last line can be torn by a crash, and nobody was
/// told that it is durable. Appending is thread-safe; reading and removing are for one reader.
/// </summary>
internal sealed class SpoolFile : IDisposable
{
    public const string Name = "spool.jsonl";

    /// <summary>More than a million reports of feedback. What does not fit is refused.</summary>
    private const long MaxBytes = 256L << 20;

    /// <summary>Entries of one line, and of what is delivered at a time.</summary>
    private const int MaxBatch = 1_000;

    private const int ChecksumChars = 8;

    private readonly Lock _gate = new();
    private readonly FileStream _file;
    private readonly Queue<Line> _lines = new();
    private readonly Queue<(SpoolEntry Entry, TaskCompletionSource Done)> _waiting = new();
    private long _length;
    private int _count;
    private bool _writing;
    private string? _trouble;

    private SpoolFile(FileStream file, string path) => (_file, Path) = (file, path);

    public string Path { get; }

    /// <summary>How many entries wait, those included that are on their way to the disk.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _count + _waiting.Count;
            }
        }
    }

    /// <summary>When the oldest entry came.</summary>
    public DateTimeOffset? Since
    {
        get
        {
            lock (_gate)
            {
                return _lines.TryPeek(out Line? line) ? line.At : null;
            }
        }
    }

    /// <summary>Why it took nothing the last time; null when it did.</summary>
    public string? Trouble => Volatile.Read(ref _trouble);

    /// <summary>Opens the spool of a state directory, creating both when they are absent.</summary>
    /// <param name="found">Called with each entry that waits, in order.</param>
    /// <exception cref="StoreRefusedException">It is damaged, or another daemon has it.</exception>
    public static SpoolFile Open(string stateDir, Action<SpoolEntry> found)
    {
        string path = PathIn(stateDir);
        try
        {
            StateDirectory.Create(stateDir);
#pragma warning disable CA2000 // The spool owns it.
            var spool = new SpoolFile(new FileStream(path, StateDirectory.OwnerOnly(FileMode.OpenOrCreate, FileShare.None)), path);
#pragma warning restore CA2000
            try
            {
                spool.ReadAll(found);
                return spool;
            }
            catch
            {
                spool.Dispose();
                throw;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StoreRefusedException(
                $"{path} cannot be opened: {e.Message} It belongs to one poolhubd at a time, and to the user that runs it.", e);
        }
    }

    /// <summary>Whether a directory has a spool with something in it.</summary>
    public static bool WaitsIn(string stateDir) => new FileInfo(PathIn(stateDir)) is { Exists: true, Length: > 0 };

    /// <summary>Completes when the entry is durable.</summary>
    /// <exception cref="StoreUnavailableException">It is not: the disk is full or fails, or the spool is.</exception>
    public Task AppendAsync(SpoolEntry entry)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            if (_length >= MaxBytes || _waiting.Count >= MaxBatch * 8)
            {
                return Task.FromException(new StoreUnavailableException("The database is away and the spool is full."));
            }
            _waiting.Enqueue((entry, done));
            if (!_writing)
            {
                _writing = true;
                _ = Task.Run(WriteWaiting);
            }
        }
        return done.Task;
    }

    /// <summary>The oldest entries, without removing them; empty when none is durable yet.</summary>
    /// <exception cref="IOException">They cannot be read.</exception>
    public SpoolEntry[] Peek()
    {
        Line? first;
        lock (_gate)
        {
            if (!_lines.TryPeek(out first))
            {
                return [];
            }
        }
        return Read(first);
    }

    /// <summary>Every entry that is durable, in order.</summary>
    public IEnumerable<SpoolEntry[]> All()
    {
        Line[] lines;
        lock (_gate)
        {
            lines = [.. _lines];
        }
        return lines.Select(Read);
    }

    /// <summary>Removes what <see cref="Peek"/> gave. A crash may bring it back: delivering twice must do no harm.</summary>
    public void Remove()
    {
        lock (_gate)
        {
            _count -= _lines.Dequeue().Count;
            if (_lines.Count == 0 && !_writing)
            {
                RandomAccess.SetLength(_file.SafeFileHandle, 0);
                _length = 0;
            }
        }
    }

    public void Dispose() => _file.Dispose();

    private static string PathIn(string stateDir) => System.IO.Path.GetFullPath(System.IO.Path.Combine(stateDir, Name));

    private SpoolEntry[] Read(Line line)
    {
        byte[] bytes = new byte[line.Bytes];
        for (int read = 0; read < bytes.Length;)
        {
            int more = RandomAccess.Read(_file.SafeFileHandle, bytes.AsSpan(read), line.Offset + read);
            read += more > 0 ? more : throw new EndOfStreamException($"{Path} is shorter than it was");
        }
        return Parse(bytes) ?? throw new IOException($"{Path} has changed on the disk");
    }

    private void WriteWaiting()
    {
        List<(SpoolEntry Entry, TaskCompletionSource Done)> batch = [];
        while (true)
        {
            batch.Clear();
            lock (_gate)
            {
                while (batch.Count < MaxBatch && _waiting.TryDequeue(out (SpoolEntry, TaskCompletionSource) next))
                {
                    batch.Add(next);
                }
                if (batch.Count == 0)
                {
                    _writing = false;
                    return;
                }
                _count += batch.Count;
            }
            try
            {
                SpoolEntry[] entries = [.. batch.Select(b => b.Entry)];
                byte[] line = Format(entries);
                // What an earlier try has left behind must not come before it.
                RandomAccess.SetLength(_file.SafeFileHandle, _length);
                RandomAccess.Write(_file.SafeFileHandle, line, _length);
                RandomAccess.FlushToDisk(_file.SafeFileHandle);
                lock (_gate)
                {
                    _lines.Enqueue(new Line(_length, line.Length, entries.Length, entries[0].At));
                    _length += line.Length;
                }
                Volatile.Write(ref _trouble, null);
                batch.ForEach(b => b.Done.TrySetResult());
            }
            catch (Exception e)
            {
                lock (_gate)
                {
                    _count -= batch.Count;
                }
                var refusal = new StoreUnavailableException($"The spool took nothing: {e.Message}", e);
                Volatile.Write(ref _trouble, refusal.Message);
                batch.ForEach(b => b.Done.TrySetException(refusal));
            }
        }
    }

    private void ReadAll(Action<SpoolEntry> found)
    {
        byte[] all = new byte[_file.Length];
        _file.ReadExactly(all);
        int begin = 0;
        for (int number = 1; begin < all.Length; number++)
        {
            int end = Array.IndexOf(all, (byte)'\n', begin);
            SpoolEntry[]? entries = end < 0 ? null : Parse(all.AsSpan(begin..(end + 1)));
            if (entries is null)
            {
                if (end >= 0 && end + 1 < all.Length)
                {
                    throw new StoreRefusedException(
                        $"{Path} is damaged in line {number}: what it holds was reported while the database was away, and is not in the "
                        + "database yet. Restore the file, or take the line out and keep it, and start again.");
                }
                break;
            }
            _lines.Enqueue(new Line(begin, end + 1 - begin, entries.Length, entries[0].At));
            _count += entries.Length;
            Array.ForEach(entries, found);
            begin = end + 1;
        }
        _length = begin;
    }

    private static byte[] Format(SpoolEntry[] entries)
    {
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(entries, StoreJson.Readable.SpoolEntryArray);
        return [.. Encoding.ASCII.GetBytes(Checksum(json)), (byte)' ', .. json, (byte)'\n'];
    }

    /// <summary>Null when the line is not whole.</summary>
    private static SpoolEntry[]? Parse(ReadOnlySpan<byte> line)
    {
        if (line.Length < ChecksumChars + 2)
        {
            return null;
        }
        ReadOnlySpan<byte> json = line[(ChecksumChars + 1)..^1];
        return line[..ChecksumChars].SequenceEqual(Encoding.ASCII.GetBytes(Checksum(json)))
            ? JsonSerializer.Deserialize(json, StoreJson.Readable.SpoolEntryArray)
            : null;
    }

    private static string Checksum(ReadOnlySpan<byte> json)
    {
        uint crc = uint.MaxValue;
        foreach (byte b in json)
        {
            crc = BitOperations.Crc32C(crc, b);
        }
        return (~crc).ToString("x8", CultureInfo.InvariantCulture);
    }

    private sealed record Line(long Offset, int Bytes, int Count, DateTimeOffset At);
}

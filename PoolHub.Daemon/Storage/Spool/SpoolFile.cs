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
    public const int MaxBatch = 1_000;

    private readonly Lock _gate = new();
    private readonly FileStream _file;
    private readonly Queue<Line> _lines = new();
    private readonly Queue<(SpoolEntry Entry, TaskCompletionSource Done)> _waiting = new();
    private long _length;
    private int _count;
    private int _peeked;
    private bool _writing;

    /// <summary>Whether a write that failed may have left something behind.</summary>
    private bool _torn;
    private string? _trouble;

    private SpoolFile(FileStream file, string path) => (_file, Path) = (file, path);

    public string Path { get; }

    /// <summary>
    /// How many entries wait, those included that are on their way to the disk. At least one until the file is empty: what
    /// is in it comes back with the next start.
    /// </summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return Math.Max(_count + _waiting.Count, _length > 0 ? 1 : 0);
            }
        }
    }

    /// <summary>Bytes of a last line that was not whole, and was taken away when the spool was opened.</summary>
    public int TornBytes { get; private set; }

    /// <summary>Whether nothing is on its way to the disk.</summary>
    public bool IsIdle => !Volatile.Read(ref _writing);

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
            Wake();
        }
        return done.Task;
    }

    /// <summary>The oldest entries, as many as are delivered at a time; empty when none is durable yet.</summary>
    /// <exception cref="IOException">They cannot be read.</exception>
    public SpoolEntry[] Peek()
    {
        List<Line> first = [];
        lock (_gate)
        {
            int count = 0;
            foreach (Line line in _lines)
            {
                count += line.Count;
                if (first.Count > 0 && count > MaxBatch)
                {
                    break;
                }
                first.Add(line);
            }
            _peeked = first.Count;
        }
        return [.. first.SelectMany(Read)];
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

    /// <summary>
    /// Removes what <see cref="Peek"/> gave; when nothing is left the file is emptied, soon. A crash may bring it back:
    /// delivering twice must do no harm.
    /// </summary>
    public void Remove()
    {
        lock (_gate)
        {
            for (; _peeked > 0; _peeked--)
            {
                _count -= _lines.Dequeue().Count;
            }
            if (_lines.Count == 0)
            {
                Wake();
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
        return SpoolLine.Parse(bytes) ?? throw new IOException($"{Path} has changed on the disk");
    }

    /// <summary>Called within the lock.</summary>
    private void Wake()
    {
        if (!_writing)
        {
            _writing = true;
            _ = Task.Run(WriteWaiting);
        }
    }

    /// <summary>The only one that changes the file: writes what waits, and empties it when nothing is left in it.</summary>
    private void WriteWaiting()
    {
        List<(SpoolEntry Entry, TaskCompletionSource Done)> batch = [];
        while (true)
        {
            batch.Clear();
            long kept;
            lock (_gate)
            {
                while (batch.Count < MaxBatch && _waiting.TryDequeue(out (SpoolEntry, TaskCompletionSource) next))
                {
                    batch.Add(next);
                }
                kept = _lines.Count > 0 ? _length : 0;
                if (batch.Count == 0 && kept == _length && !_torn)
                {
                    _writing = false;
                    return;
                }
                _count += batch.Count;
            }
            try
            {
                if (batch.Count == 0)
                {
                    Cut(kept);
                    continue;
                }
                SpoolEntry[] entries = [.. batch.Select(b => b.Entry)];
                byte[] line = SpoolLine.Format(entries);
                // What an earlier try has left behind must not come before it.
                RandomAccess.SetLength(_file.SafeFileHandle, _length);
                _torn = true;
                RandomAccess.Write(_file.SafeFileHandle, line, _length);
                RandomAccess.FlushToDisk(_file.SafeFileHandle);
                _torn = false;
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
                bool goesOn;
                lock (_gate)
                {
                    _count -= batch.Count;
                    // A file that cannot be cut is tried again with the next write.
                    _writing = goesOn = batch.Count > 0 || _waiting.Count > 0;
                }
                var refusal = new StoreUnavailableException($"The spool took nothing: {e.Message}", e);
                Volatile.Write(ref _trouble, refusal.Message);
                batch.ForEach(b => b.Done.TrySetException(refusal));
                if (!goesOn)
                {
                    return;
                }
            }
        }
    }

    /// <summary>Makes durable that the file ends there.</summary>
    private void Cut(long length)
    {
        RandomAccess.SetLength(_file.SafeFileHandle, length);
        RandomAccess.FlushToDisk(_file.SafeFileHandle);
        _torn = false;
        lock (_gate)
        {
            _length = length;
        }
    }

    private void ReadAll(Action<SpoolEntry> found)
    {
        byte[] all = new byte[_file.Length];
        _file.ReadExactly(all);
        foreach ((int begin, int end, SpoolEntry[] entries) in SpoolLine.ParseAll(all, Path))
        {
            _lines.Enqueue(new Line(begin, end - begin, entries.Length, entries[0].At));
            _count += entries.Length;
            Array.ForEach(entries, found);
            _length = end;
        }
        TornBytes = all.Length - (int)_length;
        if (TornBytes > 0)
        {
            Cut(_length);
        }
    }

    private sealed record Line(long Offset, int Bytes, int Count, DateTimeOffset At);
}

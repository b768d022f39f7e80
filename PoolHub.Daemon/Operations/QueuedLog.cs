using System.Text;

namespace PoolHub.Daemon.Operations;

/// <summary>
/// The log keeps nobody waiting: whoever logs forms the message and goes on, and a thread of the log's own writes it. When
/// whoever reads it is too slow, a bounded amount waits; what comes then is dropped, counted, and told of as soon as half
/// of what waited is read.
/// </summary>
internal sealed class QueuedLog : ILoggerProvider
{
    private const int MaxEntries = 16_384;
    private const int MaxBytes = 4 << 20;

    private readonly ILogSink _sink;
    private readonly Thread _thread;
    private readonly object _gate = new();
    private readonly Queue<Entry> _waiting = [];
    private int _waitingBytes;
    private long _droppedSince;
    private long _dropped;
    private bool _closed;

    public QueuedLog(ILogSink sink)
    {
        _sink = sink;
        _thread = new Thread(WriteAll) { IsBackground = true, Name = "log" };
        _thread.Start();
    }

    /// <summary>Messages that were dropped since the start.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    /// <summary>How long the end waits for what is not written yet.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(1);

    public ILogger CreateLogger(string categoryName) => new Logger(_sink, categoryName, Add);

    /// <summary>Writes a text of the program's own, as it is.</summary>
    public void Say(string text) => Add(Encoding.UTF8.GetBytes(text + "\n"));

    /// <summary>What waits is written, as far as somebody reads it; who logs after that is not heard.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _closed = true;
            Monitor.Pulse(_gate);
        }
        if (_thread.Join(Patience))
        {
            _sink.Dispose();
        }
    }

    private void Add(byte[] bytes)
    {
        lock (_gate)
        {
            if (_closed)
            {
                return;
            }
            // Once it is full half of it is read first: else every line that finds room would have one beside it that
            // tells of those that found none.
            int share = _droppedSince > 0 ? 2 : 1;
            if (_waiting.Count >= MaxEntries / share || _waitingBytes + bytes.Length > MaxBytes / share)
            {
                _droppedSince++;
                _ = Interlocked.Increment(ref _dropped);
                return;
            }
            _waiting.Enqueue(new Entry(bytes, TakeDropped()));
            _waitingBytes += bytes.Length;
            Monitor.Pulse(_gate);
        }
    }

    private void WriteAll()
    {
        byte[] telling = [];
        var own = new Logger(_sink, typeof(QueuedLog).FullName!, entry => telling = entry);
        long untold = 0;
        while (TryTake(out Entry entry))
        {
            untold += entry.DroppedBefore;
            if (untold > 0)
            {
                ProgramLog.LinesDropped(own, untold);
                untold = TryWrite(telling) ? 0 : untold;
            }
            if (entry.Bytes.Length > 0 && !TryWrite(entry.Bytes))
            {
                untold++;
                _ = Interlocked.Increment(ref _dropped);
            }
        }
    }

    /// <summary>Waits for the next entry, or for the news that the last were dropped; false at the end.</summary>
    private bool TryTake(out Entry entry)
    {
        lock (_gate)
        {
            while (_waiting.Count == 0 && _droppedSince == 0 && !_closed)
            {
                _ = Monitor.Wait(_gate);
            }
            if (_waiting.TryDequeue(out entry))
            {
                _waitingBytes -= entry.Bytes.Length;
                return true;
            }
            entry = new Entry([], TakeDropped());
            return entry.DroppedBefore > 0;
        }
    }

    private long TakeDropped()
    {
        long dropped = _droppedSince;
        _droppedSince = 0;
        return dropped;
    }

    private bool TryWrite(byte[] bytes)
    {
        try
        {
            _sink.Write(bytes);
            return true;
        }
        catch (Exception)
        {
            // No room on the disk, no journal: the hub goes on, and what was lost is counted.
            return false;
        }
    }

    /// <param name="DroppedBefore">Messages that were dropped between the one before and this one.</param>
    private readonly record struct Entry(byte[] Bytes, long DroppedBefore);

    private sealed class Logger(ILogSink sink, string category, Action<byte[]> take) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (!LogLine.IsTold(eventId))
            {
                take(sink.Form(new LogMessage(
                    logLevel, category, eventId, LogLine.Text(formatter(state, exception), exception),
                    state as IReadOnlyList<KeyValuePair<string, object?>>)));
            }
        }
    }
}

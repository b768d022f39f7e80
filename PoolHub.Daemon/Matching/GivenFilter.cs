using System.Globalization;
using System.Security.Cryptography;

namespace PoolHub.Daemon.Matching;

/// <summary>
/// Whether a match of a coordinator gave this miner for this job: never "no" for one that it still knows, and "yes" for
/// fewer than one in 1,000 that none gave. It knows the last 26 hours, or what fits into <see cref="MaxBytes"/>: 16
/// million candidates. It is a row of segments, each a file of the state directory; candidates go to the newest, and the
/// oldest is forgotten as a whole. Thread-safe: adding and asking take no lock.
/// </summary>
internal sealed partial class GivenFilter
{
    public const string Folder = "given";
    public const int SmallestSegment = 64 << 10;
    public const int LargestSegment = 4 << 20;
    public const long MaxBytes = 64L << 20;

    private const string Ending = ".given";
    private static readonly TimeSpan s_kept = TimeSpan.FromHours(26);

    /// <summary>A segment ends after this time however little is in it, so that the old can go.</summary>
    private static readonly TimeSpan s_slice = TimeSpan.FromHours(2);

    private readonly string _directory;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly Lock _gate = new();

    /// <summary>The oldest first, never empty; replaced as a whole.</summary>
    private GivenSegment[] _segments;
    private bool _failing;

    /// <param name="stateDir">Where its folder is, or is made.</param>
    public GivenFilter(string stateDir, TimeProvider time, ILogger<GivenFilter> log)
    {
        (_directory, _time, _log) = (Path.Combine(stateDir, Folder), time, log);
        _segments = [.. OpenAll().OrderBy(segment => segment.Number)];
        if (_segments is [])
        {
            _segments = [Begin(SmallestSegment, number: 1)];
        }
        Sweep();
    }

    /// <summary>From when on it knows all that was given.</summary>
    public DateTimeOffset KnownSince => DateTimeOffset.FromUnixTimeMilliseconds(Volatile.Read(ref _segments)[0].BegunMs);

    /// <summary>Bytes of all segments.</summary>
    public long Bytes => Volatile.Read(ref _segments).Sum(segment => (long)segment.Bytes);

    /// <param name="tag">Of the coordinator, as in the match's id.</param>
    /// <param name="jobHash">The <see cref="StableHash"/> of the job's id.</param>
    /// <param name="minerHash">And of the miner's.</param>
    public void Add(uint tag, ulong jobHash, ulong minerHash)
    {
        GivenSegment newest = Volatile.Read(ref _segments)[^1];
        if (newest.Add(Key(tag, jobHash, minerHash)) && newest.Count >= newest.Capacity && _gate.TryEnter())
        {
            // Whoever comes meanwhile adds to the full one, and waits for nobody.
            try
            {
                Turn(newest);
            }
            finally
            {
                _gate.Exit();
            }
        }
    }

    public bool Has(uint tag, ulong jobHash, ulong minerHash)
    {
        ulong key = Key(tag, jobHash, minerHash);
        GivenSegment[] segments = Volatile.Read(ref _segments);
        for (int i = segments.Length - 1; i >= 0; i--)
        {
            if (segments[i].Has(key))
            {
                return true;
            }
        }
        return false;
    }

    /// <summary>Ends a segment that is old, or so full that a match would soon have to, and forgets what is too old. Meant to be called every second.</summary>
    public void Sweep()
    {
        lock (_gate)
        {
            GivenSegment newest = _segments[^1];
            long now = NowMs;
            if (newest.Count >= newest.Capacity - (newest.Capacity / 8) || now - newest.BegunMs >= s_slice.TotalMilliseconds)
            {
                Turn(newest);
            }
            // A segment ends when the next begins.
            int old = 0;
            while (old < _segments.Length - 1 && now - _segments[old + 1].BegunMs > s_kept.TotalMilliseconds)
            {
                old++;
            }
            Forget(old);
        }
    }

    private long NowMs => _time.GetUtcNow().ToUnixTimeMilliseconds();

    private static ulong Key(uint tag, ulong jobHash, ulong minerHash) =>
        GivenSegment.Mix(StableHash.Pair(jobHash, minerHash) + (tag * 0x9E37_79B9_7F4A_7C15));

    /// <summary>Begins the next segment, unless another has: a larger one after one that filled, a smaller after one that hardly did.</summary>
    private void Turn(GivenSegment newest)
    {
        if (_segments[^1] != newest)
        {
            return;
        }
        int bytes = newest.Count >= newest.Capacity / 2 ? Math.Min(newest.Bytes * 2, LargestSegment)
            : newest.Count < newest.Capacity / 8 ? Math.Max(newest.Bytes / 2, SmallestSegment)
            : newest.Bytes;
        long all = _segments.Sum(segment => (long)segment.Bytes);
        int old = 0;
        for (; all + bytes > MaxBytes; old++)
        {
            all -= _segments[old].Bytes;
        }
        Forget(old);
        Volatile.Write(ref _segments, [.. _segments, Begin(bytes, newest.Number + 1)]);
    }

    private void Forget(int count)
    {
        if (count == 0)
        {
            return;
        }
        GivenSegment[] old = _segments[..count];
        Volatile.Write(ref _segments, _segments[count..]);
        foreach (GivenSegment segment in old.Where(segment => segment.IsInFile))
        {
            try
            {
                File.Delete(PathOf(segment.Number));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                NotRemoved(_log, PathOf(segment.Number), e.Message);
            }
        }
    }

    private GivenSegment Begin(int bytes, long number)
    {
        ulong seed = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong)));
        try
        {
            CreateDirectory();
            GivenSegment segment = GivenSegment.Create(PathOf(number), bytes, seed, NowMs, number);
            _failing = false;
            return segment;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (!_failing)
            {
                _failing = true;
                StaysInMemory(_log, e.Message);
            }
            return new GivenSegment(bytes, seed, NowMs, number);
        }
    }

    private void CreateDirectory()
    {
        if (OperatingSystem.IsWindows())
        {
            _ = Directory.CreateDirectory(_directory);
        }
        else
        {
            _ = Directory.CreateDirectory(_directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    private List<GivenSegment> OpenAll()
    {
        List<GivenSegment> found = [];
        foreach (string path in Directory.Exists(_directory) ? Directory.GetFiles(_directory, "*" + Ending) : [])
        {
            try
            {
                if (long.TryParse(Path.GetFileNameWithoutExtension(path), NumberStyles.None, CultureInfo.InvariantCulture, out long number)
                    && GivenSegment.Open(path, number) is { } segment)
                {
                    found.Add(segment);
                    continue;
                }
                File.Move(path, path + ".aside", overwrite: true);
                SetAside(_log, path);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                NotRead(_log, path, e.Message);
            }
        }
        return found;
    }

    private string PathOf(long number) =>
        Path.Combine(_directory, number.ToString("D10", CultureInfo.InvariantCulture) + Ending);

    [LoggerMessage(LogLevel.Warning,
        "what matches give is kept in memory alone: {Reason} After a restart, feedback on the matches from now on is unmatched.")]
    private static partial void StaysInMemory(ILogger log, string reason);

    [LoggerMessage(LogLevel.Warning, "{Path} is damaged or another program's; it was set aside as {Path}.aside, and feedback on what it knew is unmatched")]
    private static partial void SetAside(ILogger log, string path);

    [LoggerMessage(LogLevel.Warning, "{Path} cannot be read: {Reason} Feedback on what it knows is unmatched.")]
    private static partial void NotRead(ILogger log, string path, string reason);

    [LoggerMessage(LogLevel.Warning, "{Path} is needed no more and cannot be removed: {Reason}")]
    private static partial void NotRemoved(ILogger log, string path, string reason);
}

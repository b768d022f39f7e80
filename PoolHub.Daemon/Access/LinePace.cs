namespace PoolHub.Daemon.Access;

/// <summary>Bounds what strangers can write into the log: so many lines of one kind in a minute, and the others are counted.</summary>
internal sealed class LinePace(TimeProvider time)
{
    public const int LinesPerMinute = 20;
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();
    private long _since;
    private int _lines;
    private int _leftOut;

    /// <summary>Whether a line may be written.</summary>
    /// <param name="leftOut">How many were not since the last that was: for that line to say.</param>
    public bool TryTake(out int leftOut)
    {
        long now = time.GetTimestamp();
        lock (_gate)
        {
            leftOut = 0;
            if (_lines == 0 || time.GetElapsedTime(_since, now) >= Minute)
            {
                (_since, _lines) = (now, 0);
            }
            if (_lines == LinesPerMinute)
            {
                _leftOut++;
                return false;
            }
            _lines++;
            (leftOut, _leftOut) = (_leftOut, 0);
            return true;
        }
    }
}

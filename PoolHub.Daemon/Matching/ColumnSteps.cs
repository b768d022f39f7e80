using System.Numerics;

namespace PoolHub.Daemon.Matching;

/// <summary>Chooses a column's steps, and chooses them anew once too much of the fleet has changed.</summary>
internal sealed class ColumnSteps<T>(ColumnSteps<T>.Selector column)
    where T : unmanaged, INumber<T>, IMinMaxValue<T>
{
    /// <summary>So many values beside the steps, or changes, cost nothing worth the work.</summary>
    private const int Few = 64;

    private int _countThen;
    private int _besideThen;

    internal delegate ref RankedColumn<T> Selector(Segment segment);

    public Steps<T> Current { get; private set; } = Steps<T>.None;

    /// <param name="segments">All segments.</param>
    /// <param name="changes">Profiles and prices set so far, ever.</param>
    public void Renew(Segment[] segments, int changes)
    {
        int beside = 0;
        int count = 0;
        foreach (Segment segment in segments)
        {
            beside += column(segment).Beside;
            count += segment.Count;
        }
        // Full steps become uneven with time; others lack the values that are new.
        bool stale = Current.IsFull
            ? changes - _countThen > Math.Max(Few, count / 2)
            : beside > Few && beside > 2 * _besideThen;
        if (!stale)
        {
            return;
        }
        List<T> sample = [];
        int seen = 0;
        foreach (Segment segment in segments)
        {
            column(segment).AddTo(sample, Steps<T>.Stride(count), ref seen);
        }
        Choose(sample, changes);
        _besideThen = Current.IsFull ? 0 : beside;
    }

    /// <summary>Goes by these values from here on.</summary>
    public void Choose(List<T> sample, int changes)
    {
        Current = Steps<T>.Of(sample);
        (_countThen, _besideThen) = (changes, 0);
    }
}

using System.Numerics;

namespace PoolHub.Daemon.Matching;

/// <summary>A limit of a query on a column, and its rank, looked up once for all segments that share their steps.</summary>
internal struct Limit<T>(T value)
    where T : unmanaged, INumber<T>
{
    private Steps<T>? _steps;

    public readonly T Value => value;
    public int Rank { get; private set; }

    /// <summary>Whether its rank begins with it.</summary>
    public bool IsStep { get; private set; }

    public void LookUp(Steps<T> steps)
    {
        if (_steps != steps)
        {
            _steps = steps;
            Rank = steps.Rank(value);
            IsStep = steps.IsStep(Rank, value);
        }
    }
}

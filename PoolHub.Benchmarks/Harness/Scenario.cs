namespace PoolHub.Benchmarks.Harness;

/// <summary>Something that is set up once and measured in a few rows.</summary>
/// <param name="rows">The names of its rows: all of them, in order.</param>
internal abstract class Scenario(params string[] rows)
{
    public string[] Rows => rows;

    /// <summary>Whether it needs PostgreSQL or Redis, and runs only when asked for.</summary>
    public virtual bool NeedsPeers => false;

    /// <summary>Measures. A row for which it gives no figure has failed.</summary>
    public abstract Task RunAsync(Bench bench);
}

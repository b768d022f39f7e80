namespace PoolHub.Daemon.Sessions;

/// <summary>
/// Lets others have their turn while many connections are closed: thousands at once would stand before every match in the
/// queue of what there is to do. The first few are closed without a pause.
/// </summary>
internal sealed class Slices
{
    private const int Closes = 8;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(2);

    private int _count;

    /// <summary>To be awaited after each.</summary>
    public ValueTask NextAsync() => ++_count % Closes == 0 ? new ValueTask(Task.Delay(Pause)) : default;
}

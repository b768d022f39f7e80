namespace PoolHub.Daemon.Http;

/// <summary>
/// Memory for the long bodies of those who have not shown yet who they are, all together: nobody may fill the machine by
/// sending what will be refused.
/// </summary>
/// <param name="bytes">Beyond the first <see cref="Free"/> of each body.</param>
internal sealed class BodyBudget(long bytes)
{
    /// <summary>Of each body nothing is counted so far, and few are longer.</summary>
    public const int Free = 16_384;

    private long _left = bytes;

    /// <summary>Takes what a body has grown by.</summary>
    /// <param name="before">Its bytes that are counted already.</param>
    /// <param name="now">Its bytes.</param>
    /// <returns>False when there is no more; then nothing was taken.</returns>
    public bool TryGrow(long before, long now)
    {
        long more = Counted(now) - Counted(before);
        if (more == 0 || Interlocked.Add(ref _left, -more) >= 0)
        {
            return true;
        }
        _ = Interlocked.Add(ref _left, more);
        return false;
    }

    /// <summary>Gives back what a body has taken.</summary>
    public void Return(long bytes) => Interlocked.Add(ref _left, Counted(bytes));

    private static long Counted(long bytes) => Math.Max(0, bytes - Free);
}

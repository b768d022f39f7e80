using PoolHub.Daemon.Storage;

namespace PoolHub.Tests.Storage;

/// <summary>
/// Holds up the writer within a transaction, so that what is written meanwhile waits together. Needs a miner "m".
/// </summary>
internal sealed class HeldWriter : IDisposable
{
    private readonly ManualResetEventSlim _release = new();
    private readonly Task _held;

    public HeldWriter(IHubStore store)
    {
        using var reached = new ManualResetEventSlim();
        _held = store.RecordFeedbackAsync(StoreSamples.Feedback("hold"), state =>
        {
            reached.Set();
            _release.Wait(TestContext.Current.CancellationToken);
            return state;
        });
        reached.Wait(TestContext.Current.CancellationToken);
    }

    public Task ReleaseAsync()
    {
        _release.Set();
        return _held;
    }

    public void Dispose() => _release.Dispose();
}

using PoolHub.Daemon.Storage;
using PoolHub.Protocol;

namespace PoolHub.Tests.Storage;

/// <summary>A store of one form, opened and opened again.</summary>
public abstract class StoreTests
{
    private protected static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>Opens this test's own store; after a close, the same again.</summary>
    private protected abstract Task<IHubStore> OpenAsync();

    private protected static TrustState Never(TrustState state) => throw new InvalidOperationException("nothing is to be learnt");

    private protected async Task<IReadOnlyList<StoredMiner>> ReopenedAllAsync(Func<IHubStore, Task> write)
    {
        await using (IHubStore store = await OpenAsync())
        {
            await write(store);
        }
        await using IHubStore again = await OpenAsync();
        return await again.LoadAsync(Cancel);
    }

    private protected async Task<StoredMiner> ReopenedAsync(Func<IHubStore, Task> write) => Assert.Single(await ReopenedAllAsync(write));

    internal static void AssertProfile(MinerProfile expected, MinerProfile? actual)
    {
        Assert.NotNull(actual);
        Assert.Equal(expected.Accel, actual.Accel);
        Assert.Equal(expected.Tags, actual.Tags);
        Assert.Equal(expected.Capabilities, actual.Capabilities);
        // Arrays are equal by reference; all else by value.
        Assert.Equal(expected, actual with { Accel = expected.Accel, Tags = expected.Tags, Capabilities = expected.Capabilities });
    }

    private protected static void AssertKeys(StoredKeys expected, StoredKeys actual)
    {
        Assert.Equal(expected.Current, actual.Current);
        Assert.Equal(expected.Previous, actual.Previous);
        Assert.Equal(expected.PreviousUntil, actual.PreviousUntil);
        Assert.Equal((expected.IssuedAt, expected.RotatedAt, expected.RevokedAt), (actual.IssuedAt, actual.RotatedAt, actual.RevokedAt));
    }
}

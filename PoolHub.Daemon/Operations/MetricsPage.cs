using PoolHub.Daemon.Access;
using Prometheus;

namespace PoolHub.Daemon.Operations;

/// <summary>
/// The metrics as text. Anybody may ask, and writing them takes a thousand times as long as asking: so those who ask
/// together share one writing, and there are only so many in a second. Nobody gets what is older than the question.
/// </summary>
internal sealed class MetricsPage(CollectorRegistry metrics)
{
    private const int PerSec = 20;

    /// <summary>It is the processor's time that is spared, so it is never a test's clock that counts.</summary>
    private static readonly TimeProvider Time = TimeProvider.System;

    private readonly TokenBucket _pace = new(PerSec, Time);
    private readonly Lock _lock = new();
    private Task<ReadOnlyMemory<byte>>? _next;

    public Task<ReadOnlyMemory<byte>> WriteAsync()
    {
        lock (_lock)
        {
            return _next ??= WriteNextAsync();
        }
    }

    private async Task<ReadOnlyMemory<byte>> WriteNextAsync()
    {
        await Task.Yield();
        while (_pace.Take(1) is { } wait)
        {
            await Task.Delay(wait, Time);
        }
        lock (_lock)
        {
            // Who comes from here on may know of something that this one will not tell.
            _next = null;
        }
        using var page = new MemoryStream();
        await metrics.CollectAndExportAsTextAsync(page);
        return page.GetBuffer().AsMemory(0, (int)page.Length);
    }
}

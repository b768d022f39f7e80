using System.Collections.Concurrent;

namespace PoolHub.Daemon.Storage;

/// <summary>
/// Lets the changes of one miner go one after the other, in the order of the calls, each from reading what it changes
/// until it is durable; those of different miners go side by side.
/// </summary>
internal sealed class WriteTurns
{
    private readonly ConcurrentDictionary<string, Task> _last = new();

    public async Task<T> InTurnAsync<T>(string minerId, Func<Task<T>> change)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Task before = Task.CompletedTask;
        _ = _last.AddOrUpdate(minerId, done.Task, (_, last) =>
        {
            before = last;
            return done.Task;
        });
        await before;
        try
        {
            return await change();
        }
        finally
        {
            _last.TryRemove(new KeyValuePair<string, Task>(minerId, done.Task));
            done.SetResult();
        }
    }
}

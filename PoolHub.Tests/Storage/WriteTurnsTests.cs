using PoolHub.Daemon.Storage;

namespace PoolHub.Tests.Storage;

public sealed class WriteTurnsTests
{
    private readonly WriteTurns _turns = new();

    [Fact]
    public async Task Changes_of_one_miner_go_in_the_order_of_the_calls()
    {
        var first = new TaskCompletionSource();
        List<int> done = [];
        Task[] changes = [Change("m", first.Task, 0), .. Enumerable.Range(1, 100).Select(i => Change("m", Task.CompletedTask, i))];
        Assert.Empty(done);
        first.SetResult();
        await Task.WhenAll(changes);
        Assert.Equal(Enumerable.Range(0, 101), done);

        Task<int> Change(string minerId, Task until, int number) => _turns.InTurnAsync(minerId, async () =>
        {
            await until;
            done.Add(number);
            return number;
        });
    }

    [Fact]
    public async Task Changes_of_another_miner_do_not_wait()
    {
        var held = new TaskCompletionSource();
        Task<int> waiting = _turns.InTurnAsync("a", async () =>
        {
            await held.Task;
            return 1;
        });
        Assert.Equal(2, await _turns.InTurnAsync("b", () => Task.FromResult(2)));
        Assert.False(waiting.IsCompleted);
        held.SetResult();
        Assert.Equal(1, await waiting);
    }

    [Fact]
    public async Task Change_that_fails_fails_alone()
    {
        Task<int> bad = _turns.InTurnAsync<int>("m", () => throw new InvalidTimeZoneException());
        Task<int> good = _turns.InTurnAsync("m", () => Task.FromResult(2));
        await Assert.ThrowsAsync<InvalidTimeZoneException>(() => bad);
        Assert.Equal(2, await good);
    }
}

using PoolHub.Daemon.Matching;

namespace PoolHub.Tests.Matching;

/// <summary>docs/decisions/0031: heavy requests take turns.</summary>
public sealed class BatchTurnsTests
{
    [Fact]
    public void Coordinator_has_one_turn_at_a_time_and_all_together_so_many()
    {
        var turns = new BatchTurns(2);
        Assert.True(turns.BeginAsync(1).IsCompleted);
        Task second = turns.BeginAsync(1);
        Assert.False(second.IsCompleted);
        Assert.True(turns.BeginAsync(2).IsCompleted);
        Task third = turns.BeginAsync(3);
        Assert.False(third.IsCompleted);
        turns.End(2);
        Assert.True(third.IsCompleted);
        Assert.False(second.IsCompleted);
        turns.End(1);
        Assert.True(second.IsCompleted);
        turns.End(1);
        turns.End(3);
        Assert.True(turns.BeginAsync(3).IsCompleted);
    }

    [Fact]
    public void Who_had_a_turn_comes_after_those_who_wait()
    {
        var turns = new BatchTurns(1);
        _ = turns.BeginAsync(1);
        Task[] own = [turns.BeginAsync(1), turns.BeginAsync(1)];
        Task other = turns.BeginAsync(2);
        turns.End(1);
        Assert.True(other.IsCompleted);
        turns.End(2);
        Assert.True(own[0].IsCompleted);
        turns.End(1);
        Assert.True(own[1].IsCompleted);
    }

    [Fact]
    public void Only_so_many_of_a_coordinator_are_under_way()
    {
        var turns = new BatchTurns(1);
        Assert.All(Enumerable.Range(0, BatchTurns.Most), _ => Assert.True(turns.TryEnter(1)));
        Assert.False(turns.TryEnter(1));
        Assert.True(turns.TryEnter(2));
        turns.Leave(1);
        Assert.True(turns.TryEnter(1));
    }

    [Fact]
    public async Task Explanations_take_turns_and_only_so_many_wait()
    {
        var thread = new ExplainThread();
        using var gate = new ManualResetEventSlim();
        List<string> done = [];
        Task<bool> first = thread.TryRun(1, Hold)!;
        SpinWait.SpinUntil(() => done.Count == 1, 10_000);
        Task[] own = [.. Enumerable.Range(0, ExplainThread.MostEach).Select(i => thread.TryRun(1, () => Note($"own {i}"))!)];
        Assert.Null(thread.TryRun(1, () => Note("too many")));
        Task<bool> other = thread.TryRun(2, () => Note("other"))!;
        Task<bool> fails = thread.TryRun(3, bool () => throw new InvalidOperationException("on purpose"))!;
        gate.Set();
        await first;
        await other;
        await Task.WhenAll(own);
        await Assert.ThrowsAsync<InvalidOperationException>(() => fails);
        Assert.Equal(["first", "own 0", "other", "own 1"], done.Take(4));
        // It ends when there is nothing to do, and begins anew.
        Assert.True(await thread.TryRun(1, () => Note("later"))!);

        bool Hold()
        {
            done.Add("first");
            return gate.Wait(10_000);
        }

        bool Note(string what)
        {
            done.Add(what);
            return true;
        }
    }
}

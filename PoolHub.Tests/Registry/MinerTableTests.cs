using PoolHub.Daemon.Registry;

namespace PoolHub.Tests.Registry;

public sealed class MinerTableTests
{
    private readonly MinerTable _table = new();

    [Fact]
    public void Miner_is_found_by_its_id_and_added_once()
    {
        Miner[] added = [.. Ids(10_000).Select(_table.FindOrAdd)];
        Assert.Equal(added, Ids(10_000).Select(_table.Find));
        Assert.Equal(added, Ids(10_000).Select(_table.FindOrAdd));
        Assert.Equal(10_000, _table.Count);
        Assert.Equal(added.ToHashSet(), [.. _table.All]);
        Assert.Null(_table.Find("stranger"));
        Assert.Null(_table.Find(""));
    }

    [Fact]
    public void Removed_miner_is_gone_and_the_others_are_still_found()
    {
        Miner[] added = [.. Ids(10_000).Select(_table.FindOrAdd)];
        foreach (Miner miner in added.Where((_, i) => i % 2 == 0))
        {
            _table.Remove(miner);
            _table.Remove(miner);
            Assert.Null(_table.Find(miner.Id));
        }
        Assert.All(added.Where((_, i) => i % 2 == 1), miner => Assert.Same(miner, _table.Find(miner.Id)));
        Assert.Equal(5_000, _table.Count);
        Assert.Equal(5_000, _table.All.Count());
    }

    [Fact]
    public void Id_that_comes_back_is_another_miner()
    {
        Miner first = _table.FindOrAdd("m");
        _table.Remove(first);
        Miner second = _table.FindOrAdd("m");
        Assert.NotSame(first, second);
        _table.Remove(first);
        Assert.Same(second, _table.Find("m"));
    }

    [Fact]
    public void Coming_and_going_without_end_needs_no_more_room()
    {
        Miner stays = _table.FindOrAdd("stays");
        foreach (string id in Ids(100_000))
        {
            _table.Remove(_table.FindOrAdd(id));
        }
        Assert.Equal([stays], _table.All);
        Assert.Same(stays, _table.Find("stays"));
    }

    [Fact]
    public void Readers_find_whom_they_know_while_others_come_and_go()
    {
        Miner[] known = [.. Ids(100).Select(_table.FindOrAdd)];
        Parallel.For(0, 8, worker =>
        {
            for (int i = 0; i < 5_000; i++)
            {
                if (worker < 4)
                {
                    Assert.Same(known[i % 100], _table.Find(known[i % 100].Id));
                    continue;
                }
                Miner own = _table.FindOrAdd($"own-{worker}-{i}");
                Assert.Same(own, _table.Find(own.Id));
                if (i % 2 == 0)
                {
                    _table.Remove(own);
                }
            }
        });
        Assert.Equal(100 + (4 * 2_500), _table.Count);
    }

    private static IEnumerable<string> Ids(int count) => Enumerable.Range(0, count).Select(i => $"miner-{i}");
}

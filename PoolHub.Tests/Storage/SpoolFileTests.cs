using PoolHub.Daemon.Storage;
using PoolHub.Daemon.Storage.Spool;
using static PoolHub.Tests.Storage.StoreSamples;

namespace PoolHub.Tests.Storage;

public sealed class SpoolFileTests : IDisposable
{
    private readonly string _dir = Directory.CreateTempSubdirectory("poolhub-spool-").FullName;

    private string Path => System.IO.Path.Combine(_dir, SpoolFile.Name);

    public void Dispose() => Directory.Delete(_dir, recursive: true);

    [Fact]
    public async Task Entries_come_back_as_they_were_and_in_order()
    {
        SpoolEntry[] entries =
        [
            new(Noon, Feedback("j 日本語")),
            new(Noon.AddSeconds(1), Registration: new SpooledRegistration("m", Full, 7)),
            new(Noon.AddSeconds(2), Epoch: new SpooledEpoch("m", long.MaxValue)),
        ];
        using (SpoolFile spool = Open(out _))
        {
            foreach (SpoolEntry entry in entries)
            {
                await spool.AppendAsync(entry);
            }
            Assert.Equal((3, Noon), (spool.Count, spool.Since));
        }
        using SpoolFile again = Open(out List<SpoolEntry> found);
        Assert.Equal(3, found.Count);
        Assert.Equal(entries[0], found[0]);
        StoreTests.AssertProfile(Full, found[1].Registration!.Profile);
        Assert.Equal(entries[2], found[2]);
        Assert.Equal(found[0], Assert.Single(again.Peek()));
        again.Remove();
        Assert.Equal(2, again.Count);
        again.Remove();
        again.Remove();
        Assert.Equal((0, null), (again.Count, again.Since));
        Assert.Empty(again.Peek());
        Assert.Equal(0, new FileInfo(Path).Length);
    }

    [Fact]
    public async Task Entries_of_many_share_a_line_and_a_sync()
    {
        using SpoolFile spool = Open(out _);
        SpoolEntry[][] ofMany = [.. Enumerable.Range(0, 5_000).Select(i => new SpoolEntry(Noon, Feedback($"j{i}"))).Chunk(1_250)];
        await Task.WhenAll(ofMany.Select(entries => Task.Run(() => Task.WhenAll(entries.Select(spool.AppendAsync)))));
        Assert.Equal(5_000, spool.Count);
        HashSet<string> jobs = [];
        int lines = 0;
        for (; spool.Peek() is { Length: > 0 } entries; lines++)
        {
            jobs.UnionWith(entries.Select(e => e.Feedback!.JobId));
            spool.Remove();
        }
        Assert.Equal(5_000, jobs.Count);
        Assert.InRange(lines, 5, 2_500);
    }

    /// <summary>What a crash leaves of a write: any part of its bytes.</summary>
    [Fact]
    public async Task Line_that_was_torn_is_gone_and_those_before_it_are_there()
    {
        using (SpoolFile spool = Open(out _))
        {
            await spool.AppendAsync(new SpoolEntry(Noon, Feedback("first")));
            await spool.AppendAsync(new SpoolEntry(Noon, Feedback("second")));
        }
        byte[] whole = await File.ReadAllBytesAsync(Path, TestContext.Current.CancellationToken);
        int first = Array.IndexOf(whole, (byte)'\n') + 1;
        for (int length = first; length < whole.Length; length++)
        {
            await File.WriteAllBytesAsync(Path, whole[..length], TestContext.Current.CancellationToken);
            using (SpoolFile torn = Open(out List<SpoolEntry> found))
            {
                Assert.Equal("first", Assert.Single(found).Feedback!.JobId);
                await torn.AppendAsync(new SpoolEntry(Noon, Feedback("third")));
            }
            using SpoolFile again = Open(out List<SpoolEntry> kept);
            Assert.Equal(["first", "third"], kept.Select(e => e.Feedback!.JobId));
        }
    }

    [Fact]
    public async Task Damage_before_the_end_is_refused_and_left_as_it_was()
    {
        using (SpoolFile spool = Open(out _))
        {
            await spool.AppendAsync(new SpoolEntry(Noon, Feedback("first")));
            await spool.AppendAsync(new SpoolEntry(Noon, Feedback("second")));
        }
        byte[] damaged = await File.ReadAllBytesAsync(Path, TestContext.Current.CancellationToken);
        damaged[30] ^= 1;
        await File.WriteAllBytesAsync(Path, damaged, TestContext.Current.CancellationToken);
        StoreRefusedException refusal = Assert.Throws<StoreRefusedException>(() => Open(out _));
        Assert.Contains("is damaged in line 1", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(damaged, await File.ReadAllBytesAsync(Path, TestContext.Current.CancellationToken));
    }

    [Fact]
    public void Spool_of_another_daemon_is_refused()
    {
        using SpoolFile spool = Open(out _);
        Assert.Throws<StoreRefusedException>(() => Open(out _));
    }

    private SpoolFile Open(out List<SpoolEntry> found)
    {
        List<SpoolEntry> entries = [];
        SpoolFile spool = SpoolFile.Open(_dir, entries.Add);
        found = entries;
        return spool;
    }
}

using PoolHub.Daemon.Storage;
using PoolHub.Daemon.Storage.Spool;
using PoolHub.Tests.EndToEnd;
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
            new(Noon.AddSeconds(3), Draining: new SpooledDraining("m", true)),
        ];
        using (SpoolFile spool = Open(out _))
        {
            foreach (SpoolEntry entry in entries)
            {
                await spool.AppendAsync(entry);
            }
            Assert.Equal((4, Noon), (spool.Count, spool.Since));
        }
        using SpoolFile again = Open(out List<SpoolEntry> found);
        Assert.Equal(4, found.Count);
        Assert.Equal(entries[0], found[0]);
        StoreTests.AssertProfile(Full, found[1].Registration!.Profile);
        Assert.Equal(entries[2..], found[2..]);
        Assert.Equal(["j 日本語", "", "", ""], again.Peek().Select(e => e.Feedback?.JobId ?? ""));
        again.Remove();
        await EmptyAsync(again);
        Assert.Null(again.Since);
        Assert.Empty(again.Peek());
        Assert.Equal(0, new FileInfo(Path).Length);
    }

    [Fact]
    public async Task Lines_are_given_together_as_far_as_they_make_one_delivery()
    {
        using SpoolFile spool = Open(out _);
        await spool.AppendAsync(new SpoolEntry(Noon, Feedback("first")));
        await spool.AppendAsync(new SpoolEntry(Noon, Feedback("second")));
        await Task.WhenAll(Enumerable.Range(0, 2 * SpoolFile.MaxBatch).Select(i => spool.AppendAsync(new SpoolEntry(Noon, Feedback($"j{i}")))));
        List<int> given = [];
        List<string> jobs = [];
        for (; spool.Peek() is { Length: > 0 } entries; spool.Remove())
        {
            given.Add(entries.Length);
            jobs.AddRange(entries.Select(e => e.Feedback!.JobId));
        }
        Assert.All(given, count => Assert.InRange(count, 1, SpoolFile.MaxBatch));
        Assert.InRange(given[0], 2, SpoolFile.MaxBatch);
        Assert.Equal(["first", "second", .. Enumerable.Range(0, 2 * SpoolFile.MaxBatch).Select(i => $"j{i}")], jobs);
    }

    /// <summary>What is still in the file comes back with the next start, over what was written since.</summary>
    [Fact]
    public async Task Spool_that_counts_nothing_has_nothing_in_its_file()
    {
        using SpoolFile spool = Open(out _);
        for (int i = 0; i < 200; i++)
        {
            await spool.AppendAsync(new SpoolEntry(Noon, Feedback($"j{i}")));
            Assert.Single(spool.Peek());
            spool.Remove();
            await EmptyAsync(spool);
            Assert.Equal(0, new FileInfo(Path).Length);
        }
    }

    [Theory]
    [InlineData("0123abcd [{\"At\":")]
    [InlineData("0123abcd [{}]\n")]
    public void Torn_line_alone_is_taken_away_and_told(string torn)
    {
        File.WriteAllText(Path, torn);
        Assert.True(SpoolFile.WaitsIn(_dir));
        using (SpoolFile spool = Open(out List<SpoolEntry> found))
        {
            Assert.Empty(found);
            Assert.Equal((0, torn.Length), (spool.Count, spool.TornBytes));
        }
        Assert.False(SpoolFile.WaitsIn(_dir));
    }

    [Fact]
    public void Line_of_an_older_version_is_a_matched_report_of_the_default_coordinator()
    {
        byte[] line = SpoolLine.Format([new SpoolEntry(Noon, Feedback("j"))]);
        string now = System.Text.Encoding.UTF8.GetString(line)[9..^1];
        string older = now.Replace(",\"coordinator\":\"default\",\"matched\":true", "", StringComparison.Ordinal);
        Assert.NotEqual(now, older);
        Assert.Equal(
            [new SpoolEntry(Noon, Feedback("j"))], System.Text.Json.JsonSerializer.Deserialize(older, StoreJson.Readable.SpoolEntryArray)!);
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
        foreach (SpoolEntry[] entries in spool.All())
        {
            jobs.UnionWith(entries.Select(e => e.Feedback!.JobId));
            lines++;
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

    private static Task<int> EmptyAsync(SpoolFile spool) => Eventually.SeeAsync(() => Task.FromResult(spool.Count), count => count == 0);

    private SpoolFile Open(out List<SpoolEntry> found)
    {
        List<SpoolEntry> entries = [];
        SpoolFile spool = SpoolFile.Open(_dir, entries.Add);
        found = entries;
        return spool;
    }
}

using Microsoft.Extensions.Logging;
using PoolHub.Daemon.Matching;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Matching;

public sealed class GivenFilterTests : IDisposable
{
    private readonly string _dir = Directory.CreateTempSubdirectory("poolhub-given-").FullName;
    private readonly HandClock _clock = new();
    private readonly List<string> _warnings = [];

    private string Folder => Path.Combine(_dir, GivenFilter.Folder);

    private string[] Files => Directory.GetFiles(Folder, "*.given");

    public void Dispose() => Directory.Delete(_dir, recursive: true);

    [Fact]
    public void Filter_that_is_new_knows_nothing_and_since_when()
    {
        GivenFilter filter = Open();
        Assert.False(filter.Has(1, 2, 3));
        Assert.Equal(_clock.GetUtcNow().ToUnixTimeMilliseconds(), filter.KnownSince.ToUnixTimeMilliseconds());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Whatever_was_given_is_known_also_when_opened_again(int seed)
    {
        var random = new Random(seed);
        GivenFilter filter = Open();
        List<(uint Tag, ulong Job, ulong Miner)> given = [];
        for (int i = 0; i < 200_000; i++)
        {
            (uint Tag, ulong Job, ulong Miner) entry = ((uint)random.Next(3), (ulong)random.NextInt64(5_000), StableHash.Of($"rig-{random.Next(10_000)}"));
            filter.Add(entry.Tag, entry.Job, entry.Miner);
            given.Add(entry);
            if (i % 40_000 == 0)
            {
                _clock.Advance(TimeSpan.FromHours(1));
                filter.Sweep();
            }
            if (i % 70_000 == 0)
            {
                // As after kill -9: nothing is closed.
                filter = Open();
            }
        }
        Assert.All(given, entry => Assert.True(filter.Has(entry.Tag, entry.Job, entry.Miner)));
        GivenFilter again = Open();
        Assert.All(given, entry => Assert.True(again.Has(entry.Tag, entry.Job, entry.Miner)));
        Assert.Empty(_warnings);
    }

    /// <summary>Adds until the oldest is dropped: 64 MiB, every segment full.</summary>
    [Fact]
    public void Filter_that_is_full_stays_within_its_bytes_and_says_yes_wrongly_to_fewer_than_one_in_a_thousand()
    {
        GivenFilter filter = Open();
        DateTimeOffset began = filter.KnownSince;
        ulong job = 0;
        for (; filter.KnownSince == began; job++)
        {
            filter.Add(7, job, job * 31);
            if (job % 1_000_000 == 0)
            {
                _clock.Advance(TimeSpan.FromSeconds(1));
            }
        }
        Assert.InRange(filter.Bytes, GivenFilter.MaxBytes / 2, GivenFilter.MaxBytes);
        Assert.InRange(Files.Sum(file => new FileInfo(file).Length), 0, GivenFilter.MaxBytes + (100 * 4_096));
        Assert.True(job > 14_000_000, $"{job}");
        int wrong = 0;
        const int asked = 1_000_000;
        for (ulong i = 0; i < asked; i++)
        {
            wrong += filter.Has(8, i, i * 31) ? 1 : 0;
        }
        Assert.InRange(wrong, 0, asked / 1_000);
        for (ulong i = job - 10_000_000; i < job; i += 101)
        {
            Assert.True(filter.Has(7, i, i * 31));
        }
    }

    [Fact]
    public void Match_is_known_for_26_hours_and_then_forgotten_with_its_slice()
    {
        GivenFilter filter = Open();
        filter.Add(1, 2, 3);
        for (int hour = 1; hour <= 26; hour++)
        {
            Pass(1);
            Assert.True(filter.Has(1, 2, 3), $"after {hour} h");
        }
        Pass(3);
        Assert.False(filter.Has(1, 2, 3));
        Assert.InRange((_clock.GetUtcNow() - filter.KnownSince).TotalHours, 25, 29);
        Assert.InRange(Files.Length, 10, 16);

        void Pass(int hours)
        {
            for (int i = 0; i < hours; i++)
            {
                _clock.Advance(TimeSpan.FromHours(1));
                filter.Sweep();
            }
        }
    }

    [Fact]
    public async Task Many_that_add_at_once_lose_nothing()
    {
        GivenFilter filter = Open();
        const int each = 100_000;
        await Task.WhenAll(Enumerable.Range(0, 4).Select(thread => Task.Run(() =>
        {
            for (ulong i = 0; i < each; i++)
            {
                filter.Add((uint)thread, i, i);
                Assert.True(filter.Has((uint)thread, i, i));
            }
        })));
        for (ulong i = 0; i < each; i++)
        {
            Assert.True(filter.Has(0, i, i) && filter.Has(1, i, i) && filter.Has(2, i, i) && filter.Has(3, i, i));
        }
    }

    [Fact]
    public void Adding_and_asking_allocate_nothing()
    {
        GivenFilter filter = Open();
        filter.Add(1, 2, 3);
        _ = filter.Has(1, 2, 3);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (ulong i = 0; i < 1_000; i++)
        {
            filter.Add(1, i, i);
            _ = filter.Has(1, i, i);
        }
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void File_that_cannot_be_made_is_said_once_and_memory_serves()
    {
        File.WriteAllText(Folder, "in the way");
        GivenFilter filter = Open();
        for (ulong i = 0; i < 100_000; i++)
        {
            filter.Add(1, i, i);
        }
        Assert.True(filter.Has(1, 0, 0) && filter.Has(1, 99_999, 99_999));
        Assert.Contains("is kept in memory alone", Assert.Single(_warnings), StringComparison.Ordinal);
        // The next segment is made in a file as soon as there is room.
        File.Delete(Folder);
        _clock.Advance(TimeSpan.FromHours(3));
        filter.Sweep();
        Assert.Single(Files);
    }

    [Theory]
    [InlineData("cut")]
    [InlineData("foreign")]
    [InlineData("ones")]
    [InlineData("version")]
    public void File_that_is_damaged_is_set_aside_and_said(string how)
    {
        GivenFilter first = Open();
        first.Add(1, 2, 3);
        string path = Assert.Single(Files);
        byte[] bytes = File.ReadAllBytes(path);
        switch (how)
        {
            case "cut":
                bytes = bytes[..100];
                break;
            case "foreign":
                bytes.AsSpan(0, 8).Fill(42);
                break;
            case "ones":
                bytes.AsSpan(64).Fill(255);
                break;
            default:
                bytes[8]++;
                break;
        }
        File.WriteAllBytes(path + ".new", bytes);
        File.Move(path + ".new", path, overwrite: true);
        GivenFilter filter = Open();
        Assert.False(filter.Has(9, 9, 9));
        Assert.Contains("was set aside", Assert.Single(_warnings), StringComparison.Ordinal);
        Assert.True(File.Exists(path + ".aside"));
        Assert.Single(Files);
    }

    private GivenFilter Open()
    {
        var log = new Collector(_warnings);
        return new GivenFilter(_dir, _clock, log);
    }

    private sealed class Collector(List<string> warnings) : ILogger<GivenFilter>
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            warnings.Add(formatter(state, exception));
    }
}

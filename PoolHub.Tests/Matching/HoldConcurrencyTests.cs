using System.Collections.Concurrent;

namespace PoolHub.Tests.Matching;

/// <summary>
/// Many threads at one book: matches that hold, releases, renewals, feedback, time that passes, heartbeats, and miners
/// that come, go and register anew.
/// </summary>
public sealed class HoldConcurrencyTests
{
    private const int Steady = 12;
    private const int Matchers = 4;
    private const int MatchesEach = 2_500;

    /// <summary>Longer than all time that passes here.</summary>
    private const int LongMs = 600_000;

    private readonly HoldHouse _house = new();
    private readonly SteadyMiner[] _steady = [.. Enumerable.Range(0, Steady).Select(i => new SteadyMiner($"s{i}", 1 + (i % 3)))];
    private readonly ConcurrentQueue<Sold> _sold = [];
    private readonly Lock _registry = new();
    private long _granted;

    /// <param name="Miners">Whom it got.</param>
    /// <param name="Sure">Whether only the buyer can end it: it does not expire, and its miners stay.</param>
    private sealed record Sold(string MatchId, string JobId, string[] Miners, bool Sure);

    [Fact]
    public async Task Holds_under_random_interleavings_never_leak_and_no_slot_is_sold_twice()
    {
        foreach (SteadyMiner miner in _steady)
        {
            _house.Add(miner.Id, miner.MaxParallel);
        }
        using var stop = new CancellationTokenSource();
        Task[] world =
        [
            RepeatAsync(Beat, stop.Token), RepeatAsync(Tick, stop.Token), RepeatAsync(ComeAndGo, stop.Token),
            RepeatAsync(_ => AssertColumnsAreCounts(), stop.Token),
        ];
        await Task.WhenAll(Enumerable.Range(10, Matchers).Select(seed => Task.Run(() => Trade(new Random(seed)), TestContext.Current.CancellationToken)));
        await stop.CancelAsync();
        await Task.WhenAll(world);

        AssertColumnsAreHolds();
        while (_sold.TryDequeue(out Sold? sold))
        {
            End(sold, new Random(0));
        }
        _house.Pass(LongMs);
        _house.Book.EndAllExpired();
        Assert.Equal((0, _granted), (_house.Book.Live, _house.AllEnded));
        Assert.All(_house.Present, id => Assert.Equal(0, _house.Held(id)));
        Assert.All(_steady, miner => Assert.Equal(0, miner.Sold));
    }

    private static Task RepeatAsync(Action<Random> act, CancellationToken stop) => Task.Run(
        () =>
        {
            var random = new Random(1);
            while (!stop.IsCancellationRequested)
            {
                act(random);
                Thread.Yield();
            }
        },
        CancellationToken.None);

    private void Trade(Random random)
    {
        for (int i = 0; i < MatchesEach; i++)
        {
            Buy($"{random.Next()}-{i}", random.Next(1, 5), random.Next(2) == 0 ? LongMs : random.Next(1, 50));
            if (random.Next(5) != 0 && _sold.TryDequeue(out Sold? sold))
            {
                End(sold, random);
            }
        }
    }

    private void Buy(string jobId, int topK, int holdMs)
    {
        int[] begins = Array.ConvertAll(_steady, miner => miner.Reports);
        (string matchId, string[] got) = _house.Hold(jobId, topK, holdMs);
        Interlocked.Add(ref _granted, got.Length);
        Assert.Equal(got.Length, got.Distinct().Count());
        Assert.True(got.Length <= topK);
        bool sure = holdMs == LongMs && got.All(id => id[0] == 's');
        if (sure)
        {
            foreach (string id in got)
            {
                int i = int.Parse(id[1..]);
                _steady[i].Sell(begins[i]);
            }
        }
        _sold.Enqueue(new Sold(matchId, jobId, got, sure));
    }

    private void End(Sold sold, Random random)
    {
        string? one = sold.Miners.Length > 0 && random.Next(3) == 0 ? sold.Miners[random.Next(sold.Miners.Length)] : null;
        if (random.Next(4) == 0)
        {
            _ = _house.Book.Renew(sold.MatchId, one, sold.Sure ? LongMs : random.Next(1, 50), out _, out _);
        }
        string[] ending = one is null ? sold.Miners : [one];
        if (sold.Sure)
        {
            // Before they end, so that what is sold is never counted higher than what is held.
            foreach (string id in ending)
            {
                _steady[int.Parse(id[1..])].TakeBack();
            }
        }
        int ended;
        if (random.Next(2) == 0 && ending.Length > 0)
        {
            ended = _house.EndByFeedback(random.Next(2) == 0 ? sold.MatchId : null, sold.JobId, ending[0], taken: one is null);
        }
        else
        {
            _ = _house.Book.Release(sold.MatchId, one, out ended);
        }
        Assert.InRange(ended, sold.Sure ? ending.Length : 0, ending.Length);
        _ = _house.Book.Release(sold.MatchId, one, out int again);
        Assert.Equal(0, again);
        if (one is not null)
        {
            _sold.Enqueue(sold with { Miners = [.. sold.Miners.Where(id => id != one)] });
        }
    }

    private void Beat(Random random)
    {
        SteadyMiner miner = _steady[random.Next(Steady)];
        int load = random.Next(miner.MaxParallel + 2);
        miner.Report(load);
        _house.Index.SetLoad(_house.Slot(miner.Id), load);
        // A match is to see a load that stands for a while, else the least of those it may have seen says nothing.
        Thread.SpinWait(random.Next(4_000));
    }

    private void Tick(Random random)
    {
        if (_house.Time.GetUtcNow().Minute < 5)
        {
            _house.Pass(random.Next(3));
        }
        if (random.Next(4) == 0)
        {
            _house.Book.EndExpired();
        }
    }

    private void ComeAndGo(Random random)
    {
        string id = $"g{random.Next(4)}";
        lock (_registry)
        {
            if (!_house.Present.Contains(id))
            {
                _house.Add(id, random.Next(1, 4));
            }
            else if (random.Next(2) == 0)
            {
                _house.RegisterAnew(id, random.Next(1, 4));
            }
            else
            {
                _house.Leave(id);
            }
        }
    }

    private void AssertColumnsAreCounts()
    {
        lock (_registry)
        {
            Assert.All(_house.Present, id => Assert.True(_house.Held(id) >= 0));
        }
    }

    private void AssertColumnsAreHolds()
    {
        lock (_registry)
        {
            Assert.Equal(_house.Book.Live, _house.Present.Sum(_house.Held));
        }
    }

    /// <summary>What it said of its load, and how many of its slots are surely held, as the buyers count them.</summary>
    private sealed class SteadyMiner(string id, int maxParallel)
    {
        private readonly Lock _gate = new();
        private readonly List<int> _reports = [0];
        private int _sold;

        public string Id => id;
        public int MaxParallel => maxParallel;
        public int Sold => Volatile.Read(ref _sold);

        public int Reports
        {
            get
            {
                lock (_gate)
                {
                    return _reports.Count;
                }
            }
        }

        public void Report(int load)
        {
            lock (_gate)
            {
                _reports.Add(load);
            }
        }

        public void TakeBack() => Interlocked.Decrement(ref _sold);

        /// <summary>
        /// One more slot is held. All that are sold now were held at once, at the moment when the last of them was
        /// granted; the load at that moment is one of those since the match began, or the one that was being replaced.
        /// </summary>
        public void Sell(int reportsAtBegin)
        {
            int sold = Interlocked.Increment(ref _sold);
            lock (_gate)
            {
                int least = _reports.Skip(reportsAtBegin - 2).Min();
                Assert.True(least + sold <= maxParallel, $"{id}: {sold} sold and {least} loaded of {maxParallel}");
            }
        }
    }
}

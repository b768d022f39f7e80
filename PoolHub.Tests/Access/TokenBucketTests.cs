using PoolHub.Daemon.Access;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Access;

public sealed class TokenBucketTests
{
    private readonly HandClock _time = new();

    [Theory]
    [InlineData(1)]
    [InlineData(20)]
    [InlineData(1_000_000)]
    public void Burst_is_twice_the_rate_however_long_nobody_came(int perSec)
    {
        var bucket = new TokenBucket(perSec, _time);
        Assert.Equal(2 * perSec, TakeAll(bucket));
        _time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(2 * perSec, TakeAll(bucket));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(perSec, TakeAll(bucket));
    }

    /// <summary>What is too small to be a token by itself must add up.</summary>
    [Theory]
    [InlineData(1, 3)]
    [InlineData(3, 1)]
    [InlineData(300_000, 1)]
    public void Rate_is_kept_when_the_bucket_is_asked_all_the_time(int perSec, int seconds)
    {
        var bucket = new TokenBucket(perSec, _time);
        TakeAll(bucket);
        int taken = 0;
        for (int step = 0; step < seconds * 100_000; step++)
        {
            _time.Advance(TimeSpan.FromMicroseconds(10));
            taken += TakeAll(bucket);
        }
        Assert.InRange(taken, (perSec * seconds) - 1, perSec * seconds);
    }

    [Fact]
    public void Many_are_taken_together_or_not_at_all_and_the_wait_is_told()
    {
        var bucket = new TokenBucket(10, _time);
        Assert.Equal(20, bucket.Burst);
        Assert.Null(bucket.Take(15));
        Assert.Equal(TimeSpan.FromSeconds(1.5), bucket.Take(20));
        Assert.Null(bucket.Take(5));
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.Null(bucket.Take(20));
    }

    [Fact]
    public void Rate_that_changes_keeps_what_was_taken()
    {
        var bucket = new TokenBucket(10, _time);
        Assert.Equal(20, TakeAll(bucket));
        bucket.PerSec = 100;
        Assert.Equal(0, TakeAll(bucket));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(100, TakeAll(bucket));
        _time.Advance(TimeSpan.FromSeconds(9));
        bucket.PerSec = 10;
        Assert.Equal(20, TakeAll(bucket));
    }

    [Fact]
    public void Nothing_is_refused_without_a_limit()
    {
        var bucket = new TokenBucket(0, _time);
        Assert.Equal(int.MaxValue, bucket.Burst);
        Assert.All(Enumerable.Range(0, 1_000), _ => Assert.Null(bucket.Take(1_000_000)));
        bucket.PerSec = 5;
        Assert.Equal(10, TakeAll(bucket));
    }

    /// <summary>Two threads: the limit may end between the look at it and the taking.</summary>
    [Fact]
    public void Limit_that_ends_while_somebody_takes_refuses_nobody_for_ever()
    {
        var bucket = new TokenBucket(1, _time);
        bool over = false;
        var reloading = new Thread(() =>
        {
            for (int i = 0; i < 200_000; i++)
            {
                bucket.PerSec = i & 1;
            }
            Volatile.Write(ref over, true);
        });
        reloading.Start();
        while (!Volatile.Read(ref over))
        {
            Assert.True(bucket.Take(5) is null or { TotalSeconds: <= 5 });
        }
        reloading.Join();
    }

    private static int TakeAll(TokenBucket bucket)
    {
        int taken = 0;
        while (bucket.Take(1) is null)
        {
            taken++;
        }
        return taken;
    }
}

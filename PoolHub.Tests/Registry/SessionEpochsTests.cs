using CsCheck;
using Microsoft.Extensions.Time.Testing;
using PoolHub.Daemon.Registry;

namespace PoolHub.Tests.Registry;

/// <summary>An epoch is never given twice.</summary>
public sealed class SessionEpochsTests
{
    private static readonly DateTimeOffset s_now = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Epoch_grows_whatever_the_clock_does() => Gen.Select(Gen.Int[-5_000, 5_000], Gen.Int[0, SessionEpochs.Starts - 1]).Array[1, 50].Sample(steps =>
    {
        DateTimeOffset now = s_now;
        long last = 0;
        foreach ((int ms, int start) in steps)
        {
            // Each time another start of the hub, with the clock set forth or back in between.
            now = now.AddMilliseconds(ms);
            long next = new SessionEpochs(At(now), start).After(last);
            Assert.True(next > last, $"{next} after {last}");
            Assert.True(next >> 11 >= now.ToUnixTimeMilliseconds());
            last = next;
        }
    });

    /// <summary>Nothing of a session is stored before it registers: all that is known after a crash is the epoch before.</summary>
    [Fact]
    public void Epoch_that_a_crash_has_forgotten_is_not_given_again()
    {
        const long Stored = 7;
        long forgotten = new SessionEpochs(At(s_now), start: 1).After(Stored);
        Assert.True(new SessionEpochs(At(s_now.AddMilliseconds(1)), start: 1).After(Stored) > forgotten);
        // Not even when the clock went back to the very millisecond.
        Assert.NotEqual(forgotten, new SessionEpochs(At(s_now), start: 2).After(Stored));
    }

    [Fact]
    public void Epoch_is_exact_where_numbers_have_53_bits()
    {
        long last = new SessionEpochs(At(new DateTimeOffset(2100, 1, 1, 0, 0, 0, TimeSpan.Zero)), SessionEpochs.Starts - 1).After(0);
        Assert.InRange(last, 1, 1L << 53);
    }

    private static FakeTimeProvider At(DateTimeOffset now) => new(now);
}

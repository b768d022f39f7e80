using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using PoolHub.Daemon.Access;
using PoolHub.Protocol;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Access;

/// <summary>Wrong credentials are slowed down, and right ones are not.</summary>
public sealed class LoginGuardTests
{
    private readonly HandClock _time = new();
    private readonly LoginGuard _guard;

    public LoginGuardTests() => _guard = New(new LoginOptions(FailureLimit: 3));

    [Fact]
    public void Ban_comes_with_the_last_failure_and_lifts_by_itself_and_doubles()
    {
        AddressBlock here = From("192.0.2.1");
        for (int ban = 0; ban < 9; ban++)
        {
            for (int i = 0; i < 3; i++)
            {
                Assert.Null(Wrong(here, "m"));
            }
            double seconds = Math.Min(30 * Math.Pow(2, ban), 3_600);
            LoginRefusal refused = Wrong(here, "m")!.Value;
            Assert.Equal((CloseReason.Banned, seconds), (refused.Reason, refused.RetryAfter.TotalSeconds));
            Assert.Equal(2, _guard.BannedCount);
            _time.Advance(TimeSpan.FromSeconds(seconds - 0.001));
            Assert.NotNull(Wrong(here, "m"));
            _time.Advance(TimeSpan.FromSeconds(0.001));
        }
    }

    [Fact]
    public void Failures_far_apart_are_not_counted_together()
    {
        AddressBlock here = From("192.0.2.1");
        for (int i = 0; i < 10; i++)
        {
            Assert.Null(Wrong(here, "m"));
            Assert.Null(Wrong(here, "m"));
            _time.Advance(LoginGuard.Window);
        }
        Assert.Null(Wrong(here, "m"));
    }

    [Fact]
    public void Ban_is_the_longer_of_the_address_and_the_name_and_an_address_that_is_banned_bans_no_names()
    {
        for (int i = 0; i < 3; i++)
        {
            _ = Wrong(From("192.0.2.1"), "a");
        }
        _time.Advance(TimeSpan.FromSeconds(10));
        for (int i = 0; i < 20; i++)
        {
            Assert.Equal(20, Wrong(From("192.0.2.1"), "b")!.Value.RetryAfter.TotalSeconds);
        }
        Assert.Null(Wrong(From("192.0.2.2"), "b"));
        Assert.Equal(20, Wrong(From("192.0.2.2"), "a")!.Value.RetryAfter.TotalSeconds);
        _ = Wrong(From("192.0.2.2"), "c");
        Assert.Equal(30, Wrong(From("192.0.2.2"), "a")!.Value.RetryAfter.TotalSeconds);
    }

    [Fact]
    public void Right_one_is_let_in_whatever_bans_stand()
    {
        for (int i = 0; i < 100; i++)
        {
            _ = Wrong(From("192.0.2.1"), "victim");
            _ = Wrong(From("198.51.100.9"), "victim");
        }
        Assert.NotNull(Wrong(From("192.0.2.1"), "victim"));
        Assert.Null(_guard.Right(LoginKind.Hello, From("192.0.2.1")));
        Assert.Null(_guard.Right(LoginKind.Register, From("198.51.100.9")));
    }

    [Theory]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:3::1", false)]
    [InlineData("192.0.2.1", "::ffff:192.0.2.1", true)]
    [InlineData("192.0.2.1", "192.0.2.2", false)]
    [InlineData("0.0.0.1", "::1", false)]
    public void Address_is_an_ipv4_address_or_an_ipv6_64(string one, string other, bool same) => Assert.Equal(same, From(one) == From(other));

    [Theory]
    [InlineData("127.0.0.1", true)]
    [InlineData("::1", true)]
    [InlineData("::ffff:127.0.0.1", true)]
    [InlineData("127.0.0.2", false)]
    [InlineData("127.0.9.9", false)]
    [InlineData("2001:db8::1", false)]
    public void Machine_itself_is_127_0_0_1_and_1_alone(string address, bool itself) => Assert.Equal(itself, From(address).IsThisMachine);

    [Fact]
    public void Rate_of_wrong_ones_is_counted_by_address_and_by_miner()
    {
        LoginGuard guard = New(new LoginOptions(HellosPerSec: 2));
        for (int i = 0; i < 4; i++)
        {
            Assert.Null(guard.Wrong(LoginKind.Hello, From("192.0.2.1"), $"m-{i}"));
            Assert.Null(guard.Wrong(LoginKind.Hello, From($"198.51.100.{i}"), "m"));
        }
        LoginRefusal address = guard.Wrong(LoginKind.Hello, From("192.0.2.1"), "another")!.Value;
        Assert.Equal((CloseReason.RateLimited, 0.5), (address.Reason, address.RetryAfter.TotalSeconds));
        Assert.NotNull(guard.Wrong(LoginKind.Hello, From("192.0.2.2"), "m"));
        Assert.NotNull(guard.WrongToken(LoginKind.Hello, From("192.0.2.1")));
        Assert.Null(guard.Wrong(LoginKind.Register, From("192.0.2.1"), "m"));
        _time.Advance(TimeSpan.FromSeconds(0.5));
        Assert.Null(guard.Wrong(LoginKind.Hello, From("192.0.2.1"), "another"));
        Assert.NotNull(guard.Wrong(LoginKind.Hello, From("192.0.2.1"), "another"));
    }

    [Fact]
    public void Rate_of_right_ones_is_counted_by_address_and_wrong_ones_take_nothing_of_it()
    {
        LoginGuard guard = New(new LoginOptions(HellosPerSec: 2, FailureLimit: 3));
        for (int i = 0; i < 1_000; i++)
        {
            _ = guard.Wrong(LoginKind.Hello, From("192.0.2.1"), "m");
            _ = guard.WrongToken(LoginKind.Hello, From("192.0.2.1"));
        }
        for (int i = 0; i < 4; i++)
        {
            Assert.Null(guard.Right(LoginKind.Hello, From("192.0.2.1")));
        }
        LoginRefusal refused = guard.Right(LoginKind.Hello, From("192.0.2.1"))!.Value;
        Assert.Equal((CloseReason.RateLimited, 0.5), (refused.Reason, refused.RetryAfter.TotalSeconds));
        Assert.Null(guard.Right(LoginKind.Hello, From("192.0.2.2")));
    }

    [Fact]
    public void Reload_without_a_limit_ends_every_ban()
    {
        for (int i = 0; i < 3; i++)
        {
            _ = Wrong(From("192.0.2.1"), "m");
        }
        Assert.Equal(2, _guard.Bans().Count());
        _guard.Reload(new LoginOptions(FailureLimit: 0));
        Assert.Empty(_guard.Bans());
        Assert.Null(Wrong(From("192.0.2.1"), "m"));
    }

    [Fact]
    public void Bans_that_strangers_bring_do_not_fill_the_log()
    {
        using var logs = new LogCollector();
        var guard = new LoginGuard(new LoginOptions(FailureLimit: 1), _time, logs.Of<LoginGuard>());
        for (int i = 0; i < 1_000; i++)
        {
            _ = guard.Wrong(LoginKind.Hello, AddressBlock.Of(new IPAddress(i + 1)), $"m-{i}");
        }
        Assert.Equal(2 * LinePace.LinesPerMinute, logs.Count("banned for"));
        _time.Advance(TimeSpan.FromMinutes(1));
        _ = guard.Wrong(LoginKind.Hello, From("192.0.2.1"), "m");
        Assert.Equal(2, logs.Count($"{1_000 - LinePace.LinesPerMinute} more bans for failed logins were not logged"));
    }

    [Fact]
    public void Address_that_stays_is_said_to_have_entered_once_a_minute()
    {
        List<AddressBlock> entered = [];
        _guard.Entering = entered.Add;
        long saidAt = 0;
        for (int i = 0; i < 180; i++)
        {
            if (_guard.IsTimeToSayAgain(ref saidAt))
            {
                _guard.Entered(From("192.0.2.1"));
            }
            _time.Advance(TimeSpan.FromSeconds(1));
        }
        Assert.Equal([From("192.0.2.1"), From("192.0.2.1"), From("192.0.2.1")], entered);
        Assert.True(_guard.HasEntered(From("192.0.2.1")));
    }

    private LoginGuard New(LoginOptions options) => new(options, _time, NullLogger<LoginGuard>.Instance);

    private LoginRefusal? Wrong(AddressBlock address, string name) => _guard.Wrong(LoginKind.Hello, address, name);

    private static AddressBlock From(string address) => AddressBlock.Of(IPAddress.Parse(address));
}

using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using PoolHub.Daemon.Access;
using PoolHub.Tests.EndToEnd;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Access;

/// <summary>What is kept of failed logins. Alone: the memory that is measured is the whole process's.</summary>
[Collection<Alone>]
public sealed class LoginGuardMemoryTests
{
    [Fact]
    public void Memory_is_bounded_however_many_fail()
    {
        var guard = new LoginGuard(new LoginOptions(FailureLimit: 3), new HandClock(), NullLogger<LoginGuard>.Instance);
        Fail(guard, 0, 200_000);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        Fail(guard, 200_000, 400_000);
        Assert.True(GC.GetTotalMemory(forceFullCollection: true) - before < 1 << 20);
        GC.KeepAlive(guard);
    }

    private static void Fail(LoginGuard guard, int from, int to)
    {
        for (int i = from; i < to; i++)
        {
            _ = guard.Wrong(LoginKind.Hello, AddressBlock.Of(new IPAddress(i + 1)), $"m-{i}");
        }
    }
}

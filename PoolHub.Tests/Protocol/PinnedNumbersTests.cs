using PoolHub.Protocol;
using PoolHub.Protocol.Wire;

namespace PoolHub.Tests.Protocol;

/// <summary>
/// Numbers that leave the process are never changed and never used again: miners in the field know them. A new one is
/// appended here and in docs/protocol.md.
/// </summary>
public sealed class PinnedNumbersTests
{
    [Fact]
    public void MessageNumbers_are_pinned() => AssertPinned<MessageNumber>(
        "Hello=1 Welcome=2 Register=3 Registered=4 Heartbeat=5 HeartbeatAck=6 Update=7 Ping=8 Pong=9 Command=10 CommandAck=11 "
        + "Goodbye=12 Error=13");

    [Fact]
    public void CommandKinds_are_pinned() => AssertPinned<CommandKind>("SetPriceCap=1 UpdateTags=2 Drain=3 Reconnect=4");

    [Fact]
    public void ErrorCodes_are_pinned() => AssertPinned<ErrorCode>("UnknownMessage=1 InvalidField=2 OutOfOrder=3");

    [Fact]
    public void CloseReasons_are_pinned() => AssertPinned<CloseReason>(
        "Leaving=1 ShuttingDown=2 Replaced=3 BadCredentials=4 StaleSession=5 UnsupportedVersion=6 Malformed=7 FrameTooLong=8 "
        + "HelloExpected=9 HelloTimeout=10 SlowConsumer=11 LeaseExpired=12 Flapping=13 KeyRevoked=14 TooManyErrors=15 "
        + "Unavailable=16 InternalError=17 Dropped=18 RateLimited=19 Banned=20");

    [Fact]
    public void CloseReasons_have_names_of_their_own()
    {
        string[] names = [.. Enum.GetValues<CloseReason>().Select(reason => reason.Name())];
        Assert.Equal(names.Length, names.Distinct().Count());
        Assert.DoesNotContain("unknown", names);
        Assert.Equal("unknown", ((CloseReason)200).Name());
    }

    private static void AssertPinned<T>(string pinned)
        where T : struct, Enum =>
        Assert.Equal(pinned, string.Join(' ', Enum.GetValues<T>().Select(it => $"{it}={Convert.ToInt64(it)}")));
}

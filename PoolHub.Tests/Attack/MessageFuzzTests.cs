using PoolHub.Tests.EndToEnd;

namespace PoolHub.Tests.Attack;

/// <summary>docs/security.md: whatever bytes come, a reader of messages neither throws, nor hoards, nor accepts what is wrong.</summary>
[Collection<Alone>]
public sealed class MessageFuzzTests
{
    [Fact]
    public void Message_that_is_spoilt_is_refused_or_within_its_limits() => Campaign.Run(
        "messages", Effort.Of(200_000L, 10_000_000L), WireCorpus.Messages, WireCorpus.Tokens, () => new MessageReading());
}

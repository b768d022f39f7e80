using PoolHub.Protocol;
using PoolHub.Protocol.Wire;
using PoolHub.Tests.EndToEnd;
using PoolHub.Tests.Protocol;

namespace PoolHub.Tests.Attack;

/// <summary>docs/security.md: whatever bytes come, a reader of messages neither throws, nor hoards, nor accepts what is wrong.</summary>
[Collection<Alone>]
public sealed class MessageFuzzTests
{
    [Fact]
    public void Message_that_is_spoilt_is_refused_or_within_its_limits() => Campaign.Run(
        "messages", Effort.Of(200_000L, 10_000_000L), WireCorpus.Messages, WireCorpus.Tokens, () => new Reading());

    private sealed class Reading : FuzzTarget
    {
        public override object? Take(ReadOnlyMemory<byte> input) => AnyMessage.Read(input.Span).Message;

        public override void Check(ReadOnlySpan<byte> input, object? accepted)
        {
            if (accepted is null)
            {
                (_, string? field, string? problem) = AnyMessage.Read(input);
                Assert.Equal(field is null, problem is null);
                return;
            }
            Assert.True(Accepted.IsWithinLimits(accepted), $"accepted: {accepted}");
            Assert.True(Accepted.ReadsBackEqual(accepted), $"not written as it was read: {accepted}");
        }

        // A text of one byte becomes a string of 24, and its place in a list takes 8 more. A fault says what is wrong.
        public override long CapBytes(int length) => 1_024 + (48L * length);

        public override void Dispose()
        {
        }
    }
}

using PoolHub.Tests.Protocol;

namespace PoolHub.Tests.Attack;

/// <summary>The reader of messages under attack: it neither throws, nor hoards, nor accepts what is wrong.</summary>
internal sealed class MessageReading : FuzzTarget
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

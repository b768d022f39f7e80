using System.Buffers;
using System.Buffers.Binary;
using MessagePack;

namespace PoolHub.Protocol.Wire;

/// <summary>What came of an attempt to read a frame.</summary>
public enum FrameStatus
{
    /// <summary>A whole frame was cut off the front.</summary>
    Done,
    /// <summary>The bytes end inside a frame.</summary>
    NeedMore,
    /// <summary>The prefix announces more than <see cref="Limits.MaxFrameBytes"/>; nothing of the body was looked at.</summary>
    TooLong,
    /// <summary>The prefix announces an empty body.</summary>
    Malformed,
}

/// <summary>
/// docs/protocol.md, "Frames": a 4-byte big-endian length and that many bytes of one MessagePack array.
/// </summary>
public static class Frame
{
    /// <summary>Bytes of the length before a body, which it does not count.</summary>
    public const int PrefixBytes = 4;

    [ThreadStatic]
    private static ArrayBufferWriter<byte>? t_scratch;

    /// <summary>Cuts the first whole frame off <paramref name="buffer"/>. Never throws.</summary>
    public static FrameStatus TryRead(ref ReadOnlySequence<byte> buffer, out ReadOnlySequence<byte> body)
    {
        body = default;
        uint length;
        if (buffer.FirstSpan.Length >= PrefixBytes)
        {
            length = BinaryPrimitives.ReadUInt32BigEndian(buffer.FirstSpan);
        }
        else if (buffer.Length >= PrefixBytes)
        {
            Span<byte> prefix = stackalloc byte[PrefixBytes];
            buffer.Slice(0, PrefixBytes).CopyTo(prefix);
            length = BinaryPrimitives.ReadUInt32BigEndian(prefix);
        }
        else
        {
            return FrameStatus.NeedMore;
        }
        if (length > Limits.MaxFrameBytes)
        {
            return FrameStatus.TooLong;
        }
        if (length == 0)
        {
            return FrameStatus.Malformed;
        }
        if (buffer.Length < PrefixBytes + length)
        {
            return FrameStatus.NeedMore;
        }
        body = buffer.Slice(PrefixBytes, length);
        buffer = buffer.Slice(PrefixBytes + length);
        return FrameStatus.Done;
    }

    /// <summary>Writes one message as a frame.</summary>
    public static void Write<T>(IBufferWriter<byte> output, in T message)
        where T : struct, IMessage<T> => WriteBody(output, Encode(message));

    /// <summary>Writes bytes that are already a body as a frame.</summary>
    public static void WriteBody(IBufferWriter<byte> output, ReadOnlySpan<byte> body)
    {
        Span<byte> span = output.GetSpan(PrefixBytes + body.Length);
        BinaryPrimitives.WriteInt32BigEndian(span, body.Length);
        body.CopyTo(span[PrefixBytes..]);
        output.Advance(PrefixBytes + body.Length);
    }

    /// <summary>A message's body, valid until the thread's next call.</summary>
    public static ReadOnlySpan<byte> Encode<T>(in T message)
        where T : struct, IMessage<T>
    {
        ArrayBufferWriter<byte> scratch = t_scratch ??= new ArrayBufferWriter<byte>(512);
        scratch.ResetWrittenCount();
        var writer = new MessagePackWriter(scratch);
        message.Write(ref writer);
        writer.Flush();
        return scratch.WrittenSpan;
    }
}

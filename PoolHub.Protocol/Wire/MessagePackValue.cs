using MessagePack;

namespace PoolHub.Protocol.Wire;

/// <summary>What the library lacks: MessagePack values in a span, looked at without an exception whatever the bytes are.</summary>
internal static class MessagePackValue
{
    /// <summary>Finds the end of one MessagePack value; false when it is cut short or nested deeper than any message.</summary>
    public static bool Skip(ReadOnlySpan<byte> body, int at, int depth, out int end)
    {
        const int maxDepth = 8;
        end = at;
        if (at >= body.Length || depth > maxDepth)
        {
            return false;
        }
        ReadOnlySpan<byte> rest = body[at..];
        uint count;
        int size;
        switch (MessagePackCode.ToMessagePackType(rest[0]))
        {
            case MessagePackType.Integer or MessagePackType.Boolean or MessagePackType.Nil or MessagePackType.Float:
                end = at + ScalarBytes(rest[0]);
                return end <= body.Length;
            case MessagePackType.String:
                return MessagePackPrimitives.TryReadStringHeader(rest, out count, out size) == MessagePackPrimitives.DecodeResult.Success
                    && Advance(body, at + size, count, out end);
            case MessagePackType.Binary:
                return MessagePackPrimitives.TryReadBinHeader(rest, out count, out size) == MessagePackPrimitives.DecodeResult.Success
                    && Advance(body, at + size, count, out end);
            case MessagePackType.Extension:
                return MessagePackPrimitives.TryReadExtensionHeader(rest, out ExtensionHeader header, out size) == MessagePackPrimitives.DecodeResult.Success
                    && Advance(body, at + size, header.Length, out end);
            case MessagePackType.Array:
                return MessagePackPrimitives.TryReadArrayHeader(rest, out count, out size) == MessagePackPrimitives.DecodeResult.Success
                    && SkipAll(body, at + size, count, depth + 1, out end);
            case MessagePackType.Map:
                return MessagePackPrimitives.TryReadMapHeader(rest, out count, out size) == MessagePackPrimitives.DecodeResult.Success
                    && SkipAll(body, at + size, (ulong)count * 2, depth + 1, out end);
            default:
                return false;
        }
    }

    /// <summary>
    /// Any of MessagePack's integer forms; false when it is something else. What lies beyond 63 bits is recognised here,
    /// since the library throws at it.
    /// </summary>
    public static bool TryReadInteger(ReadOnlySpan<byte> bytes, out long value, out int size, out bool tooLarge)
    {
        if (bytes is [MessagePackCode.UInt64, >= 0x80, ..])
        {
            value = long.MaxValue;
            size = ScalarBytes(MessagePackCode.UInt64);
            tooLarge = true;
            return true;
        }
        tooLarge = false;
        return MessagePackPrimitives.TryReadInt64(bytes, out value, out size) == MessagePackPrimitives.DecodeResult.Success;
    }

    private static bool SkipAll(ReadOnlySpan<byte> body, int at, ulong count, int depth, out int end)
    {
        end = at;
        for (ulong i = 0; i < count; i++)
        {
            if (!Skip(body, end, depth, out end))
            {
                return false;
            }
        }
        return true;
    }

    private static bool Advance(ReadOnlySpan<byte> body, int at, uint bytes, out int end)
    {
        end = at;
        if (bytes > (uint)(body.Length - at))
        {
            return false;
        }
        end = at + (int)bytes;
        return true;
    }

    private static int ScalarBytes(byte code) => code switch
    {
        MessagePackCode.UInt8 or MessagePackCode.Int8 => 2,
        MessagePackCode.UInt16 or MessagePackCode.Int16 => 3,
        MessagePackCode.UInt32 or MessagePackCode.Int32 or MessagePackCode.Float32 => 5,
        MessagePackCode.UInt64 or MessagePackCode.Int64 or MessagePackCode.Float64 => 9,
        _ => 1,
    };
}

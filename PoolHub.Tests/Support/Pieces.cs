using System.Buffers;

namespace PoolHub.Tests.Support;

/// <summary>Bytes that have come in pieces.</summary>
internal static class Pieces
{
    public static ReadOnlySequence<byte> Of(params IReadOnlyList<byte[]> pieces)
    {
        if (pieces.Count == 0)
        {
            return default;
        }
        var first = new Segment(pieces[0], null);
        Segment last = first;
        foreach (byte[] piece in pieces.Skip(1))
        {
            last = new Segment(piece, last);
        }
        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(byte[] bytes, Segment? before)
        {
            Memory = bytes;
            if (before is not null)
            {
                before.Next = this;
                RunningIndex = before.RunningIndex + before.Memory.Length;
            }
        }
    }
}

using PoolHub.Daemon.Gateway;

namespace PoolHub.Tests.Gateway;

/// <summary>RFC 6455, 5.2. Frames are counted however the network cuts them.</summary>
public sealed class FrameCountTests
{
    /// <summary>Every length of a length, with and without a mask.</summary>
    private static readonly (byte[] Header, int Payload)[] s_frames =
    [
        Frame(0x89, 0),
        Frame(0x81, 5),
        Frame(0x80, 0, masked: false),
        Frame(0x02, 125),
        Frame(0x00, 126),
        Frame(0x80, 300, masked: false),
        Frame(0x82, 40, lengthBytes: 8),
        Frame(0x82, 0, lengthBytes: 2),
        Frame(0x8A, 3),
    ];

    /// <summary>A byte of payload would begin a frame with a mask and a long length, were it taken for a header.</summary>
    private static readonly byte[] s_stream = [.. s_frames.SelectMany(f => f.Header.Concat(Enumerable.Repeat((byte)0xFE, f.Payload)))];

    [Fact]
    public void Frames_that_come_at_once_are_all_counted() => Assert.Equal(s_frames.Length, new FrameCount().Add(s_stream));

    [Fact]
    public void Frames_are_counted_once_at_every_split()
    {
        for (int at = 0; at <= s_stream.Length; at++)
        {
            var count = default(FrameCount);
            Assert.Equal(HeadersWithin(at), count.Add(s_stream.AsSpan(0, at)));
            Assert.Equal(s_frames.Length - HeadersWithin(at), count.Add(s_stream.AsSpan(at)));
        }
    }

    [Fact]
    public void Frame_counts_with_the_last_byte_of_its_header()
    {
        var count = default(FrameCount);
        for (int at = 0; at < s_stream.Length; at++)
        {
            Assert.Equal(HeadersWithin(at + 1) - HeadersWithin(at), count.Add(s_stream.AsSpan(at, 1)));
        }
    }

    [Fact]
    public void Payload_of_the_greatest_length_is_one_frame_that_does_not_end()
    {
        var count = default(FrameCount);
        Assert.Equal(1, count.Add([0x82, 0xFF, 255, 255, 255, 255, 255, 255, 255, 255, 1, 2, 3, 4]));
        Assert.Equal(0, count.Add(s_stream));
    }

    /// <summary>How many headers end in so many bytes of the stream.</summary>
    private static int HeadersWithin(int bytes)
    {
        int start = 0;
        int headers = 0;
        foreach ((byte[] header, int payload) in s_frames)
        {
            headers += start + header.Length <= bytes ? 1 : 0;
            start += header.Length + payload;
        }
        return headers;
    }

    private static (byte[] Header, int Payload) Frame(byte kind, int length, bool masked = true, int lengthBytes = 0)
    {
        lengthBytes = lengthBytes > 0 ? lengthBytes : length > 125 ? 2 : 0;
        int seven = lengthBytes switch { 2 => 126, 8 => 127, _ => length };
        return (
            [
                kind,
                (byte)(seven | (masked ? 0x80 : 0)),
                .. Enumerable.Range(0, lengthBytes).Select(i => (byte)((long)length >> (8 * (lengthBytes - 1 - i)))),
                .. masked ? new byte[] { 1, 2, 3, 4 } : [],
            ],
            length);
    }
}

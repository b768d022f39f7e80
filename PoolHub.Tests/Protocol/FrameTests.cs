using System.Buffers;
using PoolHub.Protocol;
using PoolHub.Protocol.Wire;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Protocol;

/// <summary>A frame reader must not care how the network cuts the bytes.</summary>
public sealed class FrameTests
{
    private static readonly byte[][] s_bodies = [[0x91], [.. Enumerable.Repeat((byte)7, 300)], [0x92, 0x08, 0x01]];

    public static TheoryData<string> Cuts => ["whole", "byte by byte", .. Enumerable.Range(1, Stream().Length - 1).Select(at => $"split at {at}")];

    [Theory]
    [MemberData(nameof(Cuts))]
    public void Frame_is_read_however_the_stream_is_cut_into_segments(string cut)
    {
        ReadOnlySequence<byte> buffer = Pieces.Of(Cut(cut));
        foreach (byte[] body in s_bodies)
        {
            Assert.Equal(FrameStatus.Done, Frame.TryRead(ref buffer, out ReadOnlySequence<byte> read));
            Assert.Equal(body, read.ToArray());
        }
        Assert.Equal(FrameStatus.NeedMore, Frame.TryRead(ref buffer, out _));
        Assert.True(buffer.IsEmpty);
    }

    [Theory]
    [MemberData(nameof(Cuts))]
    public void Frame_is_read_however_late_its_bytes_arrive(string cut)
    {
        var arrived = new List<byte[]>();
        var read = new List<byte[]>();
        foreach (byte[] piece in Cut(cut))
        {
            arrived.Add(piece);
            ReadOnlySequence<byte> buffer = Pieces.Of(arrived);
            while (Frame.TryRead(ref buffer, out ReadOnlySequence<byte> body) == FrameStatus.Done)
            {
                read.Add(body.ToArray());
            }
            arrived = [buffer.ToArray()];
        }
        Assert.Equal(s_bodies, read);
    }

    [Theory]
    [InlineData("00010001", FrameStatus.TooLong)]
    [InlineData("ffffffff", FrameStatus.TooLong)]
    [InlineData("80000000", FrameStatus.TooLong)]
    [InlineData("00000000", FrameStatus.Malformed)]
    [InlineData("00010000", FrameStatus.NeedMore)]
    [InlineData("000000", FrameStatus.NeedMore)]
    [InlineData("", FrameStatus.NeedMore)]
    public void Frame_prefix_alone_decides(string prefix, FrameStatus status)
    {
        byte[] bytes = Convert.FromHexString(prefix);
        foreach (ReadOnlySequence<byte> cut in new[] { new ReadOnlySequence<byte>(bytes), Pieces.Of([.. bytes.Select(b => new[] { b })]) })
        {
            ReadOnlySequence<byte> buffer = cut;
            Assert.Equal(status, Frame.TryRead(ref buffer, out ReadOnlySequence<byte> body));
            Assert.True(body.IsEmpty);
            Assert.Equal(bytes.Length, buffer.Length);
        }
    }

    [Fact]
    public void Frame_of_the_greatest_length_is_read()
    {
        var output = new ArrayBufferWriter<byte>();
        Frame.WriteBody(output, new byte[Limits.MaxFrameBytes]);
        var buffer = new ReadOnlySequence<byte>(output.WrittenMemory);
        Assert.Equal(FrameStatus.Done, Frame.TryRead(ref buffer, out ReadOnlySequence<byte> body));
        Assert.Equal(Limits.MaxFrameBytes, body.Length);
    }

    [Fact]
    public void Frame_written_is_the_prefix_and_the_golden_bytes()
    {
        var output = new ArrayBufferWriter<byte>();
        Frame.Write(output, new Ping(7));
        Assert.Equal("00000003" + "920807", Convert.ToHexString(output.WrittenSpan));
    }

    private static byte[] Stream()
    {
        var output = new ArrayBufferWriter<byte>();
        foreach (byte[] body in s_bodies)
        {
            Frame.WriteBody(output, body);
        }
        return output.WrittenSpan.ToArray();
    }

    private static IReadOnlyList<byte[]> Cut(string cut)
    {
        byte[] stream = Stream();
        if (cut == "whole")
        {
            return [stream];
        }
        if (cut == "byte by byte")
        {
            return [.. stream.Select(b => new[] { b })];
        }
        int at = int.Parse(cut["split at ".Length..]);
        return [stream[..at], stream[at..]];
    }
}

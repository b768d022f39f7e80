using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Text;

namespace PoolHub.Daemon.Gateway;

internal enum ProxyHeaderStatus
{
    /// <summary>The connection begins with something else.</summary>
    None,
    NeedMore,
    Malformed,
    Done,
}

/// <summary>
/// The line, or the bytes, with which a proxy says whose connection it hands on: version 1 and 2 of the PROXY protocol,
/// https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt. No frame begins like one: its length would be too great.
/// </summary>
internal static class ProxyHeader
{
    /// <summary>Section 2.1: the longest line, with its end.</summary>
    private const int MaxLineBytes = 107;

    private const int FixedBytes = 16;
    private const int MaxVersion2Bytes = FixedBytes + 536;

    private static ReadOnlySpan<byte> Version1 => "PROXY "u8;
    private static ReadOnlySpan<byte> Version2 => "\r\n\r\n\0\r\nQUIT\n"u8;

    /// <summary>Takes the header off the buffer.</summary>
    /// <param name="source">Whose connection it is; null where the proxy speaks for itself, and when there is no header.</param>
    public static ProxyHeaderStatus TryRead(ref ReadOnlySequence<byte> buffer, out IPEndPoint? source)
    {
        source = null;
        Span<byte> bytes = stackalloc byte[(int)Math.Min(buffer.Length, MaxVersion2Bytes)];
        buffer.Slice(0, bytes.Length).CopyTo(bytes);
        ProxyHeaderStatus status;
        int length;
        if (BeginsLike(bytes, Version1))
        {
            (status, length) = ReadLine(bytes, out source);
        }
        else if (BeginsLike(bytes, Version2))
        {
            (status, length) = ReadBinary(bytes, out source);
        }
        else
        {
            return ProxyHeaderStatus.None;
        }
        if (status == ProxyHeaderStatus.Done)
        {
            buffer = buffer.Slice(length);
        }
        return status;
    }

    private static bool BeginsLike(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> signature) =>
        bytes.Length < signature.Length ? signature.StartsWith(bytes) : bytes.StartsWith(signature);

    private static (ProxyHeaderStatus, int) ReadLine(ReadOnlySpan<byte> bytes, out IPEndPoint? source)
    {
        source = null;
        int end = bytes.IndexOf("\r\n"u8);
        if (end < 0 || end + 2 > MaxLineBytes)
        {
            return (end < 0 && bytes.Length < MaxLineBytes ? ProxyHeaderStatus.NeedMore : ProxyHeaderStatus.Malformed, 0);
        }
        // PROXY TCP4 source destination source-port destination-port
        string[] words = Encoding.ASCII.GetString(bytes[..end]).Split(' ');
        if (words[1] == "UNKNOWN")
        {
            return (ProxyHeaderStatus.Done, end + 2);
        }
        if (words.Length != 6 || words[1] is not ("TCP4" or "TCP6") || !IPAddress.TryParse(words[2], out IPAddress? address)
            || !ushort.TryParse(words[4], NumberStyles.None, CultureInfo.InvariantCulture, out ushort port))
        {
            return (ProxyHeaderStatus.Malformed, 0);
        }
        source = new IPEndPoint(address, port);
        return (ProxyHeaderStatus.Done, end + 2);
    }

    private static (ProxyHeaderStatus, int) ReadBinary(ReadOnlySpan<byte> bytes, out IPEndPoint? source)
    {
        source = null;
        if (bytes.Length < FixedBytes)
        {
            return (ProxyHeaderStatus.NeedMore, 0);
        }
        int length = FixedBytes + BinaryPrimitives.ReadUInt16BigEndian(bytes[14..]);
        (int version, int command, int family) = (bytes[12] >> 4, bytes[12] & 0xF, bytes[13]);
        if (version != 2 || command > 1 || length > MaxVersion2Bytes)
        {
            return (ProxyHeaderStatus.Malformed, 0);
        }
        if (bytes.Length < length)
        {
            return (ProxyHeaderStatus.NeedMore, 0);
        }
        // 0x11 and 0x21: TCP over IPv4 and IPv6. Source, destination, their ports; then what we do not ask for.
        int addressBytes = (command, family) switch { (1, 0x11) => 4, (1, 0x21) => 16, _ => 0 };
        ReadOnlySpan<byte> rest = bytes[FixedBytes..length];
        if (addressBytes > 0)
        {
            if (rest.Length < (2 * addressBytes) + 4)
            {
                return (ProxyHeaderStatus.Malformed, 0);
            }
            source = new IPEndPoint(new IPAddress(rest[..addressBytes]), BinaryPrimitives.ReadUInt16BigEndian(rest[(2 * addressBytes)..]));
        }
        return (ProxyHeaderStatus.Done, length);
    }
}

using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace PoolHub.Daemon.Access;

/// <summary>
/// What one stranger has of the network: an IPv4 address, or the /64 of an IPv6 address, of which any can be taken.
/// </summary>
internal readonly record struct AddressBlock
{
    private const int PrefixBytes = 8;

    private readonly ulong _bits;
    private readonly bool _isV6;

    private AddressBlock(ulong bits, bool isV6) => (_bits, _isV6) = (bits, isV6);

    /// <summary>The IPv4 address, or the first half of the IPv6 one, as a number.</summary>
    public ulong Bits => _bits;
    public bool IsV6 => _isV6;

    /// <summary>The machine itself: 127.0.0.1 or ::1, and no other of 127.0.0.0/8.</summary>
    public bool IsThisMachine => _isV6 ? _bits == 0 : _bits == 0x7F00_0001;

    /// <summary>Where there is no address, as in a pipe, all are one.</summary>
    public static AddressBlock Of(IPAddress? address)
    {
        if (address is null)
        {
            return default;
        }
        if (address.IsIPv4MappedToIPv6)
        {
            address = address.MapToIPv4();
        }
        Span<byte> bytes = stackalloc byte[16];
        _ = address.TryWriteBytes(bytes, out _);
        return address.AddressFamily == AddressFamily.InterNetworkV6
            ? new AddressBlock(BinaryPrimitives.ReadUInt64BigEndian(bytes), isV6: true)
            : new AddressBlock(BinaryPrimitives.ReadUInt32BigEndian(bytes), isV6: false);
    }

    public static AddressBlock Of(EndPoint? peer) => Of((peer as IPEndPoint)?.Address);

    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        if (!_isV6)
        {
            BinaryPrimitives.WriteUInt32BigEndian(bytes, (uint)_bits);
            return new IPAddress(bytes[..4]).ToString();
        }
        BinaryPrimitives.WriteUInt64BigEndian(bytes, _bits);
        return $"{new IPAddress(bytes)}/{PrefixBytes * 8}";
    }
}

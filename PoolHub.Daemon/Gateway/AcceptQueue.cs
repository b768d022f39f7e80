using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace PoolHub.Daemon.Gateway;

/// <summary>
/// Those who wait in the kernel for a listening socket, one after the other by accept(2). A <see cref="Socket"/> takes a
/// kilobyte and a place in the finalizer's queue; of a crowd that comes ten thousand times a second that is most of the
/// garbage that a hub makes, so there is none before it has sent something.
/// </summary>
internal static class AcceptQueue
{
    /// <summary>Of the longest address, sockaddr_in6.</summary>
    private const int AddressBytes = 28;

    /// <summary>The next; false when nobody waits, or nothing is left for it.</summary>
    /// <param name="listening">Must not block.</param>
    /// <param name="descriptor">The caller's, from here on.</param>
    /// <param name="peer">Where it comes from.</param>
    /// <exception cref="ObjectDisposedException"/>
    public static bool TryTake(Socket listening, out int descriptor, out IPEndPoint peer)
    {
        Span<byte> address = stackalloc byte[AddressBytes];
        int length = address.Length;
        descriptor = Libc.Accept(listening.SafeHandle, ref MemoryMarshal.GetReference(address), ref length, Libc.CloseOnExec);
        peer = descriptor >= 0 ? Read(address) : null!;
        return descriptor >= 0;
    }

    /// <summary>Closes it at once, with a reset: nothing of it stays in the kernel.</summary>
    public static void Refuse(int descriptor)
    {
        // { on, 0 s }
        long linger = 1;
        _ = Libc.SetOption(descriptor, Libc.SocketLevel, Libc.Linger, ref linger, sizeof(long));
        _ = Libc.Close(descriptor);
    }

    private static IPEndPoint Read(ReadOnlySpan<byte> address)
    {
        int port = BinaryPrimitives.ReadUInt16BigEndian(address[2..]);
        return MemoryMarshal.Read<ushort>(address) == (int)AddressFamily.InterNetwork
            ? new IPEndPoint(new IPAddress(address.Slice(4, 4)), port)
            : new IPEndPoint(new IPAddress(address.Slice(8, 16), MemoryMarshal.Read<uint>(address[24..])), port);
    }
}

using System.Net.Sockets;
using System.Runtime.InteropServices;
using PoolHub.Daemon.Access;

namespace PoolHub.Daemon.Gateway;

/// <summary>
/// Has the kernel drop what comes to a listening socket from those who are shut out: to accept and refuse them takes a core
/// at 20,000 a second, and this next to nothing. It is a program of classic BPF (socket(7), SO_ATTACH_FILTER), for which no
/// right is needed; where the kernel does not take it, they are refused one by one as before.
/// </summary>
internal static class SynFilter
{
    /// <summary>
    /// The kernel turns the program into instructions of its own, of 8 bytes, and the old and the new ones must together fit
    /// into net.core.optmem_max: 20 KB on Debian 12.
    /// </summary>
    private const int MaxCost = 1_120;
    private const int Ipv4Cost = 2;
    private const int Ipv6Cost = 8;

    /// <summary>No more fit.</summary>
    public const int MaxAddresses = MaxCost / Ipv4Cost;

    /// <summary>A conditional jump goes no further than 255.</summary>
    private const int Group = 250;

    private const uint NetworkHeader = 0xFFF0_0000;
    private const uint Ipv6Source = NetworkHeader + 8;
    private const uint Ipv4Source = NetworkHeader + 12;

    private const uint Whole = uint.MaxValue;
    private const uint Nothing = 0;

    /// <summary>Instructions that drop those and let through all others; what does not fit is left out.</summary>
    public static ulong[] Program(IEnumerable<AddressBlock> addresses)
    {
        int cost = 0;
        AddressBlock[] fit = [.. addresses.TakeWhile(address => (cost += address.IsV6 ? Ipv6Cost : Ipv4Cost) <= MaxCost)];
        ulong[] v4 = [.. Ipv4(fit.Where(a => !a.IsV6).Select(a => (uint)a.Bits))];
        return
        [
            LoadByte(NetworkHeader), ShiftRight(4), JumpIf(4, yes: 0, no: 1), Jump(1), Jump((uint)v4.Length),
            .. v4,
            .. Ipv6(fit.Where(a => a.IsV6).Select(a => a.Bits)),
        ];
    }

    /// <summary>From here on those are dropped, and no others.</summary>
    public static bool Attach(Socket listening, IReadOnlyList<AddressBlock> addresses)
    {
        if (addresses.Count == 0)
        {
            return Detach(listening);
        }
        ulong[] program = Program(addresses);
        ulong[] pinned = GC.AllocateUninitializedArray<ulong>(program.Length, pinned: true);
        program.CopyTo(pinned, 0);
        var filter = new Libc.FilterProgram((ushort)pinned.Length, Marshal.UnsafeAddrOfPinnedArrayElement(pinned, 0));
        int result = Libc.SetOption(listening.SafeHandle, Libc.SocketLevel, Libc.AttachFilter, ref filter, Marshal.SizeOf<Libc.FilterProgram>());
        GC.KeepAlive(pinned);
        return result == 0;
    }

    /// <summary>From here on nobody is dropped.</summary>
    public static bool Detach(Socket listening)
    {
        Libc.FilterProgram none = default;
        return Libc.SetOption(listening.SafeHandle, Libc.SocketLevel, Libc.DetachFilter, ref none, sizeof(int)) == 0;
    }

    /// <summary>Who is accepted has the filter from the listening socket, and no use for it.</summary>
    public static void Detach(int accepted)
    {
        long none = 0;
        _ = Libc.SetOption(accepted, Libc.SocketLevel, Libc.DetachFilter, ref none, sizeof(int));
    }

    private static IEnumerable<ulong> Ipv4(IEnumerable<uint> addresses)
    {
        yield return Load(Ipv4Source);
        foreach (uint[] group in addresses.Chunk(Group))
        {
            for (int i = 0; i < group.Length; i++)
            {
                yield return JumpIf(group[i], yes: (byte)(group.Length - i), no: 0);
            }
            yield return Jump(1);
            yield return Return(Nothing);
        }
        yield return Return(Whole);
    }

    private static IEnumerable<ulong> Ipv6(IEnumerable<ulong> prefixes)
    {
        yield return Load(Ipv6Source);
        yield return Store(0);
        yield return Load(Ipv6Source + 4);
        yield return Store(1);
        foreach (ulong prefix in prefixes)
        {
            yield return LoadStored(0);
            yield return JumpIf((uint)(prefix >> 32), yes: 0, no: 3);
            yield return LoadStored(1);
            yield return JumpIf((uint)prefix, yes: 0, no: 1);
            yield return Return(Nothing);
        }
        yield return Return(Whole);
    }

    // struct sock_filter: the code in 16 bits, where to go on in 8 and 8, and a number in 32.
    private static ulong LoadByte(uint at) => Instruction(0x30, at);
    private static ulong Load(uint at) => Instruction(0x20, at);
    private static ulong Store(uint slot) => Instruction(0x02, slot);
    private static ulong LoadStored(uint slot) => Instruction(0x60, slot);
    private static ulong ShiftRight(uint bits) => Instruction(0x74, bits);
    private static ulong Jump(uint over) => Instruction(0x05, over);
    private static ulong JumpIf(uint equal, byte yes, byte no) => Instruction(0x15, equal) | ((ulong)yes << 16) | ((ulong)no << 24);
    private static ulong Return(uint bytes) => Instruction(0x06, bytes);
    private static ulong Instruction(ushort code, uint number) => code | ((ulong)number << 32);
}

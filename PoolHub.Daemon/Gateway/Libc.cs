using System.Runtime.InteropServices;

namespace PoolHub.Daemon.Gateway;

/// <summary>What the doors ask the kernel for and .NET has no name for. Results as in the manual's section 2; Linux's numbers.</summary>
internal static class Libc
{
    public const int CloseOnExec = 0x80000;
    public const int SocketLevel = 1;
    public const int Linger = 13;
    public const int AttachFilter = 26;
    public const int DetachFilter = 27;

    [DllImport("libc", EntryPoint = "accept4")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static extern int Accept(SafeHandle listening, ref byte address, ref int length, int flags);

    [DllImport("libc", EntryPoint = "setsockopt")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static extern int SetOption(int descriptor, int level, int name, ref long value, int length);

    [DllImport("libc", EntryPoint = "setsockopt")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static extern int SetOption(SafeHandle socket, int level, int name, ref FilterProgram value, int length);

    [DllImport("libc", EntryPoint = "close")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static extern int Close(int descriptor);

    /// <summary>struct sock_fprog.</summary>
    /// <param name="Length">Instructions.</param>
    /// <param name="Instructions">struct sock_filter, of 8 bytes each.</param>
    [StructLayout(LayoutKind.Sequential)]
    public readonly record struct FilterProgram(ushort Length, nint Instructions);
}

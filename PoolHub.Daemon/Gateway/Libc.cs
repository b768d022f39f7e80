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
    public const int Peek = 0x2;
    public const int DontWait = 0x40;
    public const int Add = 1;
    public const int Delete = 2;
    public const uint Readable = 1;

    [DllImport("libc", EntryPoint = "accept4")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static extern int Accept(SafeHandle listening, ref byte address, ref int length, int flags);

    [DllImport("libc", EntryPoint = "setsockopt")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static extern int SetOption(int descriptor, int level, int name, ref long value, int length);

    [DllImport("libc", EntryPoint = "setsockopt")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static extern int SetOption(SafeHandle socket, int level, int name, ref FilterProgram value, int length);

    [DllImport("libc", EntryPoint = "recv")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static extern nint Receive(int descriptor, ref byte bytes, nint length, int flags);

    [DllImport("libc", EntryPoint = "epoll_create1")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static extern int CreateEpoll(int flags);

    /// <param name="change">struct epoll_event, see <see cref="EventBytes"/>.</param>
    [DllImport("libc", EntryPoint = "epoll_ctl")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static extern int ControlEpoll(int epoll, int operation, int descriptor, ref byte change);

    [DllImport("libc", EntryPoint = "epoll_ctl")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static extern int ControlEpoll(int epoll, int operation, SafeHandle descriptor, ref byte change);

    [DllImport("libc", EntryPoint = "epoll_wait")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static extern int WaitEpoll(int epoll, ref byte events, int most, int timeoutMs);

    [DllImport("libc", EntryPoint = "eventfd")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static extern int CreateEvent(uint count, int flags);

    [DllImport("libc", EntryPoint = "close")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static extern int Close(int descriptor);

    /// <summary>
    /// The length of struct epoll_event: what is waited for, 4 bytes, and last a number of the caller's, 8 bytes. On x86-64
    /// alone there is no gap between them.
    /// </summary>
    public static int EventBytes { get; } = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 12 : 16;

    /// <summary>struct sock_fprog.</summary>
    /// <param name="Length">Instructions.</param>
    /// <param name="Instructions">struct sock_filter, of 8 bytes each.</param>
    [StructLayout(LayoutKind.Sequential)]
    public readonly record struct FilterProgram(ushort Length, nint Instructions);
}

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace PoolHub.Daemon.Matching;

/// <summary>
/// Arrays that never move, on huge pages where they are large and the system grants them. A match touches a few words
/// in each of many columns: with small pages, finding the page costs more than reading it.
/// </summary>
internal static partial class HugePages
{
    private const int AdviceHugePage = 14;
    private const int PageBytes = 2 * 1024 * 1024;

    /// <summary>Below this, pages that are touched in one place only would weigh more than they save.</summary>
    private const int WorthBytes = 2 * PageBytes;

    /// <summary>An array of zeros.</summary>
    public static T[] Allocate<T>(int length)
        where T : unmanaged
    {
        T[] array = GC.AllocateArray<T>(length, pinned: true);
        long bytes = (long)length * Unsafe.SizeOf<T>();
        if (bytes >= WorthBytes && OperatingSystem.IsLinux())
        {
            nint first = Marshal.UnsafeAddrOfPinnedArrayElement(array, 0);
            nint start = (first + PageBytes - 1) / PageBytes * PageBytes;
            nint end = (first + (nint)bytes) / PageBytes * PageBytes;
            // Only advice: a kernel that does not take it leaves everything as it is.
            _ = Advise(start, (nuint)(end - start), AdviceHugePage);
        }
        return array;
    }

    [DllImport("libc", EntryPoint = "madvise")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Advise(nint start, nuint length, int advice);
}

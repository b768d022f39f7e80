using System.Globalization;
using PoolHub.Tests.EndToEnd;

namespace PoolHub.Tests.Attack;

/// <summary>What a process takes, as the kernel counts it.</summary>
internal static class ProcessFigures
{
    public static double ResidentMb(this ChildProcess process)
    {
        string line = File.ReadLines($"/proc/{process.Id}/status").Single(l => l.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(line["VmRSS:".Length..].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture) / 1024.0;
    }

    public static int Descriptors(this ChildProcess process) => Directory.GetFiles($"/proc/{process.Id}/fd").Length;
}

using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using PoolHub.Tests.EndToEnd;

namespace PoolHub.Tests.Attack;

/// <summary>
/// A crowd in a process of its own, of the lowest priority: in the world attackers have machines of their own, and their
/// work must not be charged to the hub.
/// </summary>
internal sealed class CrowdProcess : IAsyncDisposable
{
    public const string Verb = "crowd";

    private readonly ChildProcess _process;

    private CrowdProcess(ChildProcess process) => _process = process;

    /// <summary>Starts one and waits until it is at the doors.</summary>
    /// <param name="http">The doors.</param>
    /// <param name="tcp">Likewise.</param>
    /// <param name="share">1 for the whole crowd.</param>
    /// <param name="addresses">From how many addresses it comes.</param>
    public static async Task<CrowdProcess> StartAsync(IPEndPoint http, IPEndPoint tcp, double share, int addresses)
    {
        string program = Path.Combine(AppContext.BaseDirectory, "PoolHub.Tests");
        string dotnet = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", ".."));
        var process = ChildProcess.Start(
            "nice", ["-n", "19", program, Verb, $"{http}", $"{tcp}", share.ToString(CultureInfo.InvariantCulture), $"{addresses}", $"{Effort.Seed}"],
            ("DOTNET_ROOT", dotnet), ("PATH", "/usr/bin:/bin"), ("DOTNET_ThreadPool_UnfairSemaphoreSpinLimit", "0"));
        _ = await process.LineAsync("ready");
        return new CrowdProcess(process);
    }

    /// <summary>All go away; says how many they were and how often they came.</summary>
    public async Task<string> EndAsync()
    {
        await _process.SayAsync("end");
        return await _process.LineAsync("a crowd of");
    }

    public ValueTask DisposeAsync() => _process.DisposeAsync();

    /// <summary>The process itself; its arguments are those of <see cref="StartAsync"/>, and the seed.</summary>
    public static int Main(string[] args)
    {
        using var crowd = new Crowd(
            IPEndPoint.Parse(args[0]), IPEndPoint.Parse(args[1]), double.Parse(args[2], CultureInfo.InvariantCulture),
            int.Parse(args[3], CultureInfo.InvariantCulture), ulong.Parse(args[4], CultureInfo.InvariantCulture));
        Console.WriteLine("ready");
        _ = Console.ReadLine();
        crowd.End();
        Console.WriteLine($"a crowd of {crowd.Count:N0} made {crowd.Connections:N0} connections, the restless {crowd.RestlessConnections:N0} of them");
        return 0;
    }
}

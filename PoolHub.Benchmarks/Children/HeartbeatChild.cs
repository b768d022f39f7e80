using System.Diagnostics;
using System.Net.Sockets;
using PoolHub.Benchmarks.Fleets;

namespace PoolHub.Benchmarks.Children;

/// <summary>Miners, or clients of Redis that write what miners say: as fast as it goes, or at a pace.</summary>
/// <remarks>
/// <c>heartbeats hub|redis PORT CONNECTIONS TOGETHER</c>. The miners are the first ones of the fleet. The line
/// <c>flood MS</c> sends without pause and is answered by <c>begun</c> and then by how many heartbeats were applied in
/// how many seconds; <c>pace RATE</c> sends evenly until the input ends, and each <c>count</c> that follows is answered by
/// how many were applied since the pace was set, and the seconds since.
/// </remarks>
internal sealed class HeartbeatChild(PipelinedSocket[] sockets)
{
    public const string Name = "heartbeats";

    /// <summary>How long answers may take once nothing more is sent.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    /// <summary>Commands under way on all connections: enough to keep the server busy, and soon answered at the end.</summary>
    private const int MaxOpen = 131_072;

    public static async Task<int> RunAsync(string[] arguments)
    {
        int port = int.Parse(arguments[1], null);
        int connections = int.Parse(arguments[2], null);
        int together = int.Parse(arguments[3], null);
        FleetMiner[] fleet = FleetGenerator.Make(connections);
        PipelinedSocket[] sockets = arguments[0] == "redis"
            ? [.. fleet.Select(miner => RedisSocket.Connect(port, miner.Id, together))]
            : Enrol(fleet, port, together);
        Console.WriteLine("ready");
        var child = new HeartbeatChild(sockets);
        while (Console.ReadLine() is { } line)
        {
            string[] parts = line.Split(' ');
            if (parts[0] == "flood")
            {
                child.Flood(TimeSpan.FromMilliseconds(int.Parse(parts[1], null)));
            }
            else
            {
                await child.PaceAsync(int.Parse(parts[1], null));
            }
        }
        return 0;
    }

    private static PipelinedSocket[] Enrol(FleetMiner[] fleet, int port, int together)
    {
        MinerSocket[] miners = [.. fleet.Select(miner => MinerSocket.Connect(port, miner, together))];
        Array.ForEach(miners, miner => miner.Register());
        Array.ForEach(miners, miner => miner.Begin());
        return miners;
    }

    private long Acknowledged => sockets.Sum(s => s.Acknowledged);

    private void Flood(TimeSpan duration)
    {
        Console.WriteLine("begun");
        long before = Acknowledged;
        long begin = Stopwatch.GetTimestamp();
        bool sends = true;
        while (sends || Array.Exists(sockets, s => s.IsSending || s.Acknowledged < s.Sent))
        {
            bool moved = false;
            foreach (PipelinedSocket socket in sockets)
            {
                moved |= socket.Send(next: sends && socket.Sent - socket.Acknowledged < MaxOpen / sockets.Length);
                moved |= socket.Receive();
            }
            if (!moved)
            {
                // Whichever it is, the server has to do something first.
                _ = sockets[0].Socket.Poll(microSeconds: 200, SelectMode.SelectRead);
            }
            TimeSpan elapsed = Stopwatch.GetElapsedTime(begin);
            sends &= elapsed < duration;
            if (elapsed > duration + s_patience)
            {
                throw new TimeoutException("the heartbeats were not acknowledged");
            }
        }
        Console.WriteLine($"{Acknowledged - before} {Stopwatch.GetElapsedTime(begin).TotalSeconds}");
    }

    private async Task PaceAsync(int perSec)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(2));
        long begin = Stopwatch.GetTimestamp();
        long sent = 0;
        Task<string?> line = Task.Run(Console.ReadLine);
        while (await timer.WaitForNextTickAsync())
        {
            for (long due = (long)(Stopwatch.GetElapsedTime(begin).TotalSeconds * perSec); sent < due; sent++)
            {
                PipelinedSocket socket = sockets[sent % sockets.Length];
                _ = socket.Receive();
                _ = socket.Send();
            }
            if (!line.IsCompleted)
            {
                continue;
            }
            if (await line is null)
            {
                return;
            }
            Console.WriteLine($"{Acknowledged} {Stopwatch.GetElapsedTime(begin).TotalSeconds}");
            line = Task.Run(Console.ReadLine);
        }
    }
}

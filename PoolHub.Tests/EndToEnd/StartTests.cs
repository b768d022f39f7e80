using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace PoolHub.Tests.EndToEnd;

/// <summary>How quickly the hub is there and how little it takes; measured while no other test runs.</summary>
[Collection<Alone>]
public sealed class StartTests
{
    [Fact]
    public async Task Hub_answers_within_300_ms_of_its_start()
    {
        const int LimitMs = 300;
        // The best counts: the others tell of what else the machine does. A busy one gets more tries.
        const int Tries = 3, TriesWhenBusy = 12;
        double bestMs = double.MaxValue;
        for (int i = 0; i < Tries || (bestMs > LimitMs && i < TriesWhenBusy); i++)
        {
            await using HubProcess hub = HubProcess.Prepare();
            hub.ChoosePorts();
            var sinceStart = Stopwatch.StartNew();
            hub.Launch();
            while (!await IsHealthyAsync(hub.HttpPort))
            {
                Assert.True(sinceStart.Elapsed < Eventually.Patience, string.Join('\n', hub.Log));
                await Task.Delay(1, TestContext.Current.CancellationToken);
            }
            bestMs = Math.Min(bestMs, sinceStart.Elapsed.TotalMilliseconds);
        }
        TestContext.Current.TestOutputHelper!.WriteLine($"{bestMs:0} ms");
        Assert.InRange(bestMs, 0, LimitMs);
    }

    [Fact]
    public async Task Hub_with_300_miners_takes_at_most_60_MB()
    {
        await using HubProcess hub = await HubProcess.StartAsync(("SESSION_TTL_SEC", "4"), ("HEARTBEAT_GRACE_SEC", "60"));
        LiveMiner[] miners = await Task.WhenAll(Enumerable.Range(0, 300).Select(i => LiveMiner.JoinAsync(
            hub, "tcp", $"rig-{i}", Samples.Profile(price: 0.001m * i, region: $"eu-west-{i % 7}"))));
        try
        {
            _ = await Eventually.SeeAsync(() => hub.HealthAsync(), h => h.OnlineMiners == miners.Length);
            for (int i = 0; i < 100; i++)
            {
                Assert.Equal(100, (await hub.MatchAsync(explain: "full")).Candidates.Length);
            }
            // Everyone has sent some heartbeats.
            _ = await Eventually.SeeAsync(() => Task.FromResult(miners.Min(m => m.Client.HeartbeatsAcked)), least => least >= 2);
            // The wave in which they came leaves something to collect.
            double residentMb = await Eventually.SeeAsync(() => Task.FromResult(ResidentKb(hub.Process.Id) / 1024.0), mb => mb is > 1 and <= 60);
            TestContext.Current.TestOutputHelper!.WriteLine($"{residentMb:0.0} MB");
        }
        finally
        {
            await Task.WhenAll(miners.Select(m => m.DisposeAsync().AsTask()));
        }
    }

    private static async Task<bool> IsHealthyAsync(int port)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(IPAddress.Loopback, port);
            await using var stream = new NetworkStream(socket);
            await stream.WriteAsync("GET /v1/health HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n"u8.ToArray());
            using var reader = new StreamReader(stream);
            return await reader.ReadLineAsync() == "HTTP/1.1 200 OK";
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            return false;
        }
    }

    private static long ResidentKb(int process)
    {
        string line = File.ReadLines($"/proc/{process}/status").Single(l => l.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(line["VmRSS:".Length..].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture);
    }
}

/// <summary>Tests that take every processor, or measure what one of them would notice.</summary>
[CollectionDefinition(DisableParallelization = true)]
public sealed class Alone;

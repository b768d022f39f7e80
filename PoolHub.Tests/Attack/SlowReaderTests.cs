using System.Net;
using System.Net.Sockets;
using System.Text;
using PoolHub.Tests.EndToEnd;

namespace PoolHub.Tests.Attack;

/// <summary>docs/security.md: answers that nobody reads take little memory, and not for long.</summary>
[Collection<Alone>]
public sealed class SlowReaderTests
{
    private const int Readers = 40;
    private const double MostMb = 60;

    /// <summary>Each answer would have 18 MB.</summary>
    [Fact]
    public async Task Forty_who_do_not_read_their_batches_take_little_memory_and_are_sent_away()
    {
        await using HubProcess hub = await LoadedHub.StartAsync(2_000);
        var door = new IPEndPoint(IPAddress.Loopback, hub.HttpPort);
        byte[] body = Encoding.ASCII.GetBytes(FairnessTests.Batch("slow", sameJob: true, holdMs: 0));
        byte[] head = Encoding.ASCII.GetBytes(
            $"POST /v1/match/batch HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer {LoadedHub.Attacker}\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n");
        var victim = new MatchPace(door, 50);
        _ = await victim.RunAsync(TimeSpan.FromSeconds(2));
        double beforeMb = hub.Process.ResidentMb();
        List<Socket> readers = [];
        double mostMb = 0;
        Task<Latencies> asking = victim.RunAsync(TimeSpan.FromSeconds(Effort.Of(4, 8)));
        for (int i = 0; i < Readers; i++)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4_096 };
            readers.Add(socket);
            await socket.ConnectAsync(door, TestContext.Current.CancellationToken);
            _ = await socket.SendAsync(head);
            _ = await socket.SendAsync(body);
        }
        while (!asking.IsCompleted)
        {
            mostMb = Math.Max(mostMb, hub.Process.ResidentMb());
            await Task.WhenAny(asking, Task.Delay(50, TestContext.Current.CancellationToken));
        }
        Effort.Print($"{Readers} readers: {beforeMb:0.0} MB before, at most {mostMb:0.0} MB; others meanwhile: {await asking}; load {LoadedHub.Load():0.0}");
        Assert.InRange(mostMb, 0, beforeMb + MostMb);
        // Who reads nothing is not waited for: his connection is ended.
        _ = await Eventually.SeeAsync(() => Task.FromResult(readers.Count(IsEnded)), ended => ended == Readers);
        readers.ForEach(reader => reader.Dispose());
    }

    private static bool IsEnded(Socket socket)
    {
        try
        {
            socket.Blocking = false;
            byte[] some = new byte[1];
            _ = socket.Send(some);
            return false;
        }
        catch (SocketException e)
        {
            return e.SocketErrorCode is not SocketError.WouldBlock;
        }
    }
}

using System.Net;
using System.Net.Sockets;

namespace PoolHub.Tests.EndToEnd;

/// <summary>What systemd does for a service, done by a small program: sockets that outlive the hub, and an ear for its notices.</summary>
public sealed class SocketTests
{
    /// <summary>Opens both ports and runs the hub three times, one after the other, each time with the same sockets.</summary>
    private const string Supervisor = """
        import ctypes, os, signal, socket, sys
        sockets = [socket.create_server(("127.0.0.1", int(p)), backlog=512) for p in sys.argv[2:4]]
        notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notices.bind(sys.argv[4])
        for turn in range(3):
            child = os.fork()
            if child == 0:
                ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
                # Out of the way first: either may sit on the other's number.
                spare = [os.dup(s.fileno()) for s in sockets]
                for i, fd in enumerate(spare):
                    os.dup2(fd, 3 + i, inheritable=True)
                os.environ.update(LISTEN_FDS="2", LISTEN_PID=str(os.getpid()), NOTIFY_SOCKET=sys.argv[4])
                os.execv(sys.argv[1], [sys.argv[1]])
            while b"READY=1" not in notices.recv(4096):
                pass
            print("ready", turn, flush=True)
            sys.stdin.readline()
            os.kill(child, signal.SIGTERM)
            if os.waitpid(child, 0)[1] != 0:
                sys.exit("the hub ended badly")
        heard = b""
        notices.setblocking(False)
        try:
            while True:
                heard += notices.recv(4096) + b"\n"
        except BlockingIOError:
            pass
        print("heard", heard.decode().replace("\n", " "), flush=True)
        """;

    [Fact]
    public async Task Restart_with_passed_sockets_fails_no_request_and_systemd_hears_of_it()
    {
        HubProcess hub = HubProcess.Prepare();
        await using (hub)
        {
            hub.ChoosePorts();
            string notices = Path.Combine(Path.GetDirectoryName(hub.ConfigPath)!, "notify");
            await using var supervisor = ChildProcess.Start(
                Programs.Python,
                ["-c", Supervisor, Programs.Daemon, $"{hub.HttpPort}", $"{hub.TcpPort}", notices],
                hub.Environment());
            using var stop = new CancellationTokenSource();
            _ = await supervisor.LineAsync("ready 0");
            int[] answered = new int[4];
            Task[] asking = [.. answered.Select((_, i) => AskAsync(hub.HttpPort, keepOpen: i % 2 == 0, () => answered[i]++, stop.Token))];
            for (int turn = 0; turn < 3; turn++)
            {
                // Everyone has been answered by this one, some times.
                _ = await supervisor.LineAsync($"ready {turn}");
                int before = answered.Max();
                _ = await Eventually.SeeAsync(() => Task.FromResult(answered.Min()), least => least >= before + 20 || asking.Any(a => a.IsFaulted));
                if (turn < 2)
                {
                    await supervisor.SayAsync("next");
                }
            }
            await stop.CancelAsync();
            await Task.WhenAll(asking);
            await supervisor.SayAsync("end");
            string heard = await supervisor.LineAsync("heard ");
            Assert.Contains("STOPPING=1", heard, StringComparison.Ordinal);
            Assert.Equal(0, await supervisor.ExitAsync());
        }
    }

    [Fact]
    public async Task Socket_on_another_port_is_refused_by_name()
    {
        HubProcess hub = HubProcess.Prepare();
        await using (hub)
        {
            hub.ChoosePorts();
            int other = hub.TcpPort;
            (string, string)[] environment = [.. hub.Environment().Where(e => e.Name != "POOLHUB_MINER_PORT")];
            await using var supervisor = ChildProcess.Start(
                Programs.Python,
                ["-c", Supervisor, Programs.Daemon, $"{hub.HttpPort}", $"{other}", Path.Combine(Path.GetDirectoryName(hub.ConfigPath)!, "notify")],
                environment);
            string said = await supervisor.LineAsync("systemd passed sockets on");
            Assert.Contains($"none on POOLHUB_MINER_PORT=8204", said, StringComparison.Ordinal);
        }
    }

    /// <summary>Asks again and again, and fails with the first request that is not answered.</summary>
    private static async Task AskAsync(int port, bool keepOpen, Action answered, CancellationToken stop)
    {
        Socket? socket = null;
        byte[] request = System.Text.Encoding.ASCII.GetBytes(
            $"GET /v1/health HTTP/1.1\r\nHost: hub\r\n{(keepOpen ? "" : "Connection: close\r\n")}\r\n");
        byte[] buffer = new byte[4_096];
        while (!stop.IsCancellationRequested)
        {
            if (socket is null)
            {
                socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                await socket.ConnectAsync(IPAddress.Loopback, port, CancellationToken.None);
            }
            await socket.SendAsync(request);
            string answer = "";
            while (!answer.EndsWith('}') && !answer.Contains("}\r\n0\r\n\r\n", StringComparison.Ordinal))
            {
                int count = await socket.ReceiveAsync(buffer).WaitAsync(Eventually.Patience, CancellationToken.None);
                Assert.True(count > 0, $"a request was not answered but with '{answer}'");
                answer += System.Text.Encoding.ASCII.GetString(buffer, 0, count);
            }
            Assert.StartsWith("HTTP/1.1 200", answer, StringComparison.Ordinal);
            answered();
            if (answer.Contains("\r\nConnection: close", StringComparison.Ordinal))
            {
                socket.Dispose();
                socket = null;
            }
        }
        socket?.Dispose();
    }
}

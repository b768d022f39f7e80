using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.RegularExpressions;
using PoolHub.Protocol.Client;
using PoolHub.Protocol.Http;

namespace PoolHub.Tests.EndToEnd;

/// <summary>Standard error is a pipe that nobody reads: a log driver that hangs, a pager, Ctrl-S.</summary>
public sealed partial class BlockedLogTests
{
    private const string Dropped = "poolhub_log_dropped_total";

    [Theory]
    [InlineData("info")]
    [InlineData("debug")]
    public async Task Hub_whose_log_nobody_reads_serves_all_and_obeys_SIGTERM(string level)
    {
        await using var hub = await SilencedHub.StartAsync(level);
        // Two machines with one id: each refusal is a line. The pipe holds some 900, and .NET's own queue 2,500.
        await hub.RegisterAsync("twin", 5_000);
        Assert.Equal(HttpStatusCode.OK, await hub.RegisterAsync("other"));
        MatchResponse match = await new CoordinatorClient(hub.Http, HubProcess.Secret).MatchAsync(new MatchRequest { JobId = "j" }, TestContext.Current.CancellationToken);
        Assert.Contains("other", match.Candidates.Select(c => c.MinerId));
        Assert.Equal("ok", (await new HealthClient(hub.Http).HealthAsync(TestContext.Current.CancellationToken)).Status);
        var sinceSignal = Stopwatch.StartNew();
        hub.Process.Send(Signal.Terminate);
        Assert.Equal(0, await hub.Process.ExitAsync());
        Assert.InRange(sinceSignal.Elapsed.TotalSeconds, 0, 8);
    }

    [Fact]
    public async Task Lines_that_were_dropped_are_counted_and_told_of_when_somebody_reads_again()
    {
        await using var hub = await SilencedHub.StartAsync("debug");
        while (await hub.DroppedAsync() == 0)
        {
            await hub.RegisterAsync("twin", 500);
        }
        using StreamReader log = hub.ReadLog();
        long told = 0;
        long counted = await hub.DroppedAsync();
        while (told < counted)
        {
            string? line = await log.ReadLineAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(Eventually.Patience, TestContext.Current.CancellationToken);
            Assert.NotNull(line);
            told += ToldLine().Match(line) is { Success: true } match ? long.Parse(match.Groups["count"].Value) : 0;
            if (told >= counted)
            {
                counted = await hub.DroppedAsync();
            }
        }
        Assert.Equal(counted, told);
        hub.Process.Send(Signal.Terminate);
        string rest = await log.ReadToEndAsync(TestContext.Current.CancellationToken).WaitAsync(Eventually.Patience, TestContext.Current.CancellationToken);
        Assert.Contains("debug: Hosting stopped", rest, StringComparison.Ordinal);
        Assert.Equal(0, await hub.Process.ExitAsync());
    }

    [Fact]
    public async Task Hub_that_cannot_start_ends_though_nobody_reads_why()
    {
        await using HubProcess hub = HubProcess.Prepare();
        hub.ChoosePorts();
        using var fifo = new Fifo();
        fifo.Fill();
        await using var process = fifo.Start([.. hub.Environment(), ("POOLHUB_PORT", "no number")]);
        Assert.Equal(1, await process.ExitAsync());
    }

    [GeneratedRegex(@"^warn: (?<count>\d+) lines of the log were dropped: who reads it is too slow$", RegexOptions.ExplicitCapture)]
    private static partial Regex ToldLine();

    private sealed class SilencedHub : IAsyncDisposable
    {
        private readonly HubProcess _hub = HubProcess.Prepare();
        private readonly Fifo _fifo = new();

        private SilencedHub(string level)
        {
            _hub.Set(("LOG_LEVEL", level), ("REGISTER_RATE_LIMIT", "0"));
            _hub.ChoosePorts();
            Process = _fifo.Start(_hub.Environment());
            Http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{_hub.HttpPort}/"), Timeout = Eventually.Patience };
        }

        public ChildProcess Process { get; }
        public HttpClient Http { get; }

        public static async Task<SilencedHub> StartAsync(string level)
        {
            var hub = new SilencedHub(level);
            _ = await Eventually.SeeAsync(
                async () =>
                {
                    try
                    {
                        return (await hub.Http.GetAsync(new Uri("v1/health", UriKind.Relative))).IsSuccessStatusCode;
                    }
                    catch (HttpRequestException)
                    {
                        return false;
                    }
                },
                healthy => healthy);
            return hub;
        }

        public async Task<HttpStatusCode> RegisterAsync(string minerId)
        {
            using HttpResponseMessage answer = await Http.PostAsJsonAsync("v1/miners/register", new
            {
                miner_id = minerId,
                api_key = Samples.KeyOf(minerId),
                addr = "10.0.3.7:9000",
                proto = "grpc",
                price_token_per_ksec = 1,
                max_parallel = 1,
                region = "eu-west-1",
            });
            return answer.StatusCode;
        }

        /// <summary>Every one is answered, most of them that the miner comes too often.</summary>
        public Task RegisterAsync(string minerId, int times) => Parallel.ForEachAsync(
            Enumerable.Range(0, times), new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (_, _) => _ = await RegisterAsync(minerId));

        public async Task<long> DroppedAsync() => (long)new PrometheusText(await Http.GetStringAsync(new Uri("v1/metrics", UriKind.Relative)))[Dropped];

        public StreamReader ReadLog() => _fifo.Read();

        public async ValueTask DisposeAsync()
        {
            Http.Dispose();
            await Process.DisposeAsync();
            await _hub.DisposeAsync();
            _fifo.Dispose();
        }
    }

    /// <summary>A pipe in the file system; nobody reads it until the test does.</summary>
    private sealed class Fifo : IDisposable
    {
        private readonly string _path = Path.Combine(Path.GetTempPath(), $"poolhub-fifo-{Guid.NewGuid():N}");
        private readonly FileStream _both;

        public Fifo()
        {
            using var make = System.Diagnostics.Process.Start("mkfifo", [_path]);
            make.WaitForExit();
            _both = new FileStream(_path, FileMode.Open, FileAccess.ReadWrite);
        }

        /// <summary>The hub, whose standard error it is.</summary>
        public ChildProcess Start(IEnumerable<(string Name, string Value)> environment) =>
            ChildProcess.Start("/bin/sh", ["-c", "exec \"$0\" 2>\"$1\"", Programs.Daemon, _path], environment);

        /// <summary>Until no byte has room.</summary>
        public void Fill()
        {
            const int PipeBytes = 65_536;
            _both.Write(new byte[PipeBytes]);
            _both.Flush();
        }

        /// <summary>Ends when the hub does.</summary>
        public StreamReader Read()
        {
            var reader = new StreamReader(new FileStream(_path, FileMode.Open, FileAccess.Read), Encoding.UTF8);
            _both.Dispose();
            return reader;
        }

        public void Dispose()
        {
            _both.Dispose();
            File.Delete(_path);
        }
    }
}

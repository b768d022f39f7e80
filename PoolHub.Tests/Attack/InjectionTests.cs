using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using PoolHub.Daemon.Operations;
using PoolHub.Protocol;
using PoolHub.Protocol.Http;
using PoolHub.Tests.EndToEnd;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Attack;

/// <summary>docs/security.md: a text is a text, wherever it goes: into SQL, the log, the metrics, JSON or a browser.</summary>
public sealed class InjectionTests
{
    /// <summary>Printable, and something to whoever takes them for more than a text.</summary>
    private static readonly string[] s_nasty =
    [
        "';DROP_TABLE_miners;--", "\"OR\"1\"=\"1", "$1{0}%s%n@p0:name", "<script>alert(1)</script>", "</title><img/src=x/onerror=alert(1)>", "\\\"\\u0000\\n", "${jndi:ldap://x}",
        "`id`$(id);id|id&", "{\"a\":1}", "é日本🚀‮abc", "a=\"b\"} 1".Replace(' ', '_'), "=cmd|'/C'!A0",
    ];

    /// <summary>What a terminal, a log or a parser would obey.</summary>
    public static TheoryData<string> Controls => ["a\nb", "a\r\nb", "\u001b[31mred", "a\0b", "a\u007fb", "\u009b31m", "a\u0085b", "a\u2028b", "a\u2029b", "\ufeffa", "a\tb", "\b\b"];

    [Theory]
    [InlineData("sqlite")]
    [InlineData("postgres")]
    public async Task Text_comes_back_as_it_was_and_becomes_no_label(string kind)
    {
        string dsn = kind == "postgres" ? await (await PostgresServer.SharedAsync()).CreateDatabaseAsync() : "";
        await using TestHub hub = await TestHub.StartAsync(("DB_DSN", dsn));
        string key = await hub.IssueKeyAsync("m");
        string[] labelsBefore = await SeriesAsync(hub);
        for (int i = 0; i < s_nasty.Length; i++)
        {
            string text = s_nasty[i];
            _ = (await hub.Http.PostAsync("/v1/miners/register", Registration("m", key, text))).Expect(200);
            AssertShown((await hub.ShowAsync("m")).Read(HubJson.Default.MinerSnapshot), text);
            Answer match = (await hub.Coordinator.PostAsync("/v1/match", Json(new MatchRequest
            {
                JobId = text,
                Explain = "full",
                Requirements = new MatchRequirements { TagsAny = [text], CapabilitiesAny = [text], Accel = [text] },
            }))).Expect(200);
            MatchResponse answer = match.Read(HubJson.Default.MatchResponse);
            Assert.Equal((text, text), (answer.JobId, Assert.Single(answer.Candidates).Addr));
            Assert.Equal("application/json", match.ContentType);
            var report = new FeedbackRequest { JobId = text, MinerId = "m", Outcome = "failed", FailCode = text };
            Assert.Equal("recorded", await ReportAsync(hub, report));
            Assert.Equal("duplicate", await ReportAsync(hub, report));
        }
        await hub.RestartAsync(("DB_DSN", dsn));
        AssertShown((await hub.ShowAsync("m")).Read(HubJson.Default.MinerSnapshot), s_nasty[^1]);
        Assert.Equal("duplicate", await ReportAsync(hub, new FeedbackRequest { JobId = s_nasty[0], MinerId = "m", Outcome = "failed" }));
        Assert.DoesNotContain((await SeriesAsync(hub)).Except(labelsBefore), series => s_nasty.Any(text => series.Contains(text, StringComparison.Ordinal)));
        hub.Logs.AssertOneLineEach();
    }

    [Theory]
    [MemberData(nameof(Controls))]
    public async Task Control_character_is_refused_with_its_field_everywhere(string text)
    {
        await using TestHub hub = await TestHub.StartAsync();
        string key = await hub.IssueKeyAsync("m");
        _ = await hub.RegisterAsync("m", key);
        foreach (string field in (string[])["miner_id", "addr", "proto", "gpu_name", "region", "owner", "accel", "tags", "capabilities"])
        {
            var body = JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(Registration("m", key, "x"))!;
            body[field] = JsonSerializer.SerializeToElement<object>(field is "accel" or "tags" or "capabilities" ? new[] { text } : text);
            (await hub.Http.PostAsync("/v1/miners/register", JsonSerializer.Serialize(body))).ExpectField(field);
        }
        (await hub.Coordinator.PostAsync("/v1/match", Json(new MatchRequest { JobId = text }))).ExpectField("job_id");
        (await hub.Coordinator.PostAsync("/v1/match", Json(new MatchRequest { JobId = "j", Requirements = new MatchRequirements { Task = text } }))).ExpectField("requirements.task");
        (await hub.Coordinator.PostAsync("/v1/match", Json(new MatchRequest { JobId = "j", Requirements = new MatchRequirements { TagsAny = [text] } }))).ExpectField("requirements.tags_any");
        (await hub.Coordinator.PostAsync("/v1/match", Json(new MatchRequest { JobId = "j", Hints = new MatchHints { Region = text } }))).ExpectField("hints.region");
        (await hub.Coordinator.PostAsync("/v1/match", Json(new MatchRequest { JobId = "j", Exclude = [text] }))).ExpectField("exclude[0]");
        (await hub.Coordinator.PostAsync("/v1/feedback", Json(new FeedbackRequest { JobId = text, MinerId = "m", Outcome = "failed" }))).ExpectField("job_id");
        (await hub.Coordinator.PostAsync("/v1/feedback", Json(new FeedbackRequest { JobId = "j", MinerId = "m", Outcome = "failed", FailCode = text }))).ExpectField("fail_code");
        (await hub.Coordinator.PostAsync("/v1/feedback", Json(new FeedbackRequest { JobId = "j", MinerId = "m", Outcome = text }))).ExpectField("outcome");
        hub.Logs.AssertOneLineEach();
    }

    [Fact]
    public async Task Address_and_header_go_into_no_log_line_no_label_and_no_page()
    {
        await using TestHub hub = await TestHub.StartAsync();
        string[] labelsBefore = await SeriesAsync(hub);
        foreach (string path in (string[])
            ["/v1/miners/%0a%1b%5b31mred", "/%3Cscript%3Ealert(1)%3C/script%3E", "/v1/match/%0d%0aX-Evil:%201", "/v1/miners?region=%3Cb%3E%0a&cursor=%1b", "/v1/%00", "/v1/miners/heartbeat?session_token=%0a"])
        {
            using var http = new HttpClient { BaseAddress = new Uri($"http://{hub.Hub.HttpEndPoint}") };
            using var request = new HttpRequestMessage(HttpMethod.Get, path);
            _ = request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {TestHub.AdminToken}");
            _ = request.Headers.TryAddWithoutValidation("X-Forwarded-For", "<script>, evil");
            _ = request.Headers.TryAddWithoutValidation("User-Agent", "\u001b[31m");
            using HttpResponseMessage response = await http.SendAsync(request, TestContext.Current.CancellationToken);
            Assert.InRange((int)response.StatusCode, 400, 499);
            if (response.Content.Headers.ContentType is { } type)
            {
                Assert.Equal("application/problem+json", type.MediaType);
                Assert.Equal(["nosniff"], response.Headers.GetValues("X-Content-Type-Options"));
            }
            Assert.False(response.Headers.Contains("X-Evil"));
        }
        string[] added = [.. (await SeriesAsync(hub)).Except(labelsBefore)];
        Assert.DoesNotContain(added, series => series.Contains("script", StringComparison.Ordinal) || series.Contains("red", StringComparison.Ordinal) || series.Contains("Evil", StringComparison.Ordinal));
        hub.Logs.AssertOneLineEach();
    }

    [Fact]
    public void Exception_with_what_a_stranger_sent_is_one_line_without_commands()
    {
        using var output = new MemoryStream();
        var failure = new InvalidOperationException("sent \u001b[31m and \u009b2J and \0\u2028 and\nanother line");
        using (var log = new QueuedLog(new LogLine(output)))
        {
            log.CreateLogger("c").Log(LogLevel.Error, default, "m\u0007 \u001b]0;title", failure, (state, _) => state);
        }
        string text = Encoding.UTF8.GetString(output.ToArray());
        Assert.EndsWith("\n", text, StringComparison.Ordinal);
        Assert.DoesNotContain(text[..^1], c => char.IsControl(c) || c is '\u2028' or '\u2029');
        Assert.Contains("another line", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Token_and_key_are_in_no_log_whatever_its_level()
    {
        await using HubProcess hub = await HubProcess.StartAsync(("LOG_LEVEL", "trace"));
        string token = await EndToEnd.Samples.RegisterOverHttpAsync(hub, "m");
        foreach (string query in (string[])[$"session_token={token}", $"session_token={token}x", $"a=%zz&session_token={token}"])
        {
            using HttpResponseMessage renewed = await hub.Http.GetAsync(new Uri($"v1/miners/lease/renew?{query}", UriKind.Relative), TestContext.Current.CancellationToken);
            using HttpResponseMessage refused = await hub.Http.GetAsync(new Uri($"v1/nowhere?{query}", UriKind.Relative), TestContext.Current.CancellationToken);
            using HttpResponseMessage upgraded = await hub.Http.GetAsync(new Uri($"v1/miners/heartbeat?{query}", UriKind.Relative), TestContext.Current.CancellationToken);
        }
        foreach (string path in (string[])["v1/miners/%0aevil%0d%1b%5b31m", "%0afail:%20forged", "v1/match/%0d%0a/why-not"])
        {
            using HttpResponseMessage refused = await hub.Http.GetAsync(new Uri(path, UriKind.Relative), TestContext.Current.CancellationToken);
        }
        foreach (string request in (string[])
            [
                $"GET /v1/miners/lease/renew?session_token={token}\u0001 HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n",
                $"GET /v1/miners/lease/renew?session_token={token} HTTP/9.9\r\nHost: hub\r\nConnection: close\r\n\r\n",
                $"GET http://hub:x/?session_token={token} HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n",
                $"GET /v1/miners HTTP/1.1\r\nHost: hub\r\nConnection: close\r\nAuthorization Bearer {HubProcess.Token}\r\n\r\n",
                $"GET /v1/miners HTTP/1.1\r\nHost: hub\r\nConnection: close\r\nAuthorization: Bearer {HubProcess.Token}\u0001\r\n\r\n",
                $"POST /v1/match HTTP/1.1\r\nHost: {HubProcess.Secret} x\r\nConnection: close\r\nX-PoolHub-Secret: {HubProcess.Secret}\r\nContent-Length: {token}\r\n\r\n",
            ])
        {
            Assert.Matches("^HTTP/1.1 (4|505)", await SendRawAsync(hub.HttpPort, request));
        }
        await using (WsMiner miner = await WsMiner.ConnectAsync(new IPEndPoint(IPAddress.Loopback, hub.HttpPort), token, inHeader: false))
        {
            await miner.SendTextAsync("""{"queue_len":0}""");
            _ = await miner.ExpectTextAsync("ack");
        }
        _ = await hub.StopAsync();
        Assert.Contains(hub.Log, line => line.StartsWith("debug:", StringComparison.Ordinal));
        string[] secrets = [token, EndToEnd.Samples.KeyOf("m"), HubProcess.Secret, HubProcess.Token];
        Assert.DoesNotContain(hub.Log, line => secrets.Any(secret => line.Contains(secret, StringComparison.Ordinal)));
        Assert.DoesNotContain(hub.Log, line => line.Any(char.IsControl));
        // A line that somebody else began would begin otherwise.
        Assert.All(hub.Log, line => Assert.Matches("^(crit|fail|warn|info|debug): (?!forged)", line));
    }

    private static async Task<string> SendRawAsync(int port, string request)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, port, TestContext.Current.CancellationToken);
        await client.GetStream().WriteAsync(Encoding.Latin1.GetBytes(request), TestContext.Current.CancellationToken);
        using var reader = new StreamReader(client.GetStream(), Encoding.Latin1);
        return await reader.ReadToEndAsync(TestContext.Current.CancellationToken).WaitAsync(TestHub.Patience);
    }

    private static string Registration(string id, string key, string text) => Json(new RegisterRequest
    {
        MinerId = id,
        ApiKey = key,
        Addr = text,
        Proto = "grpc",
        GpuName = text,
        Owner = text,
        PriceTokenPerKsec = new TokenPrice(1),
        Region = "eu",
        Accel = [text],
        Tags = [text],
        Capabilities = [text],
    });

    private static void AssertShown(MinerSnapshot shown, string text) => Assert.Equal(
        (text, text, text, text, text, text), (shown.Addr, shown.GpuName, shown.Owner, shown.Accel.Single(), shown.Tags.Single(), shown.Capabilities.Single()));

    private static async Task<string> ReportAsync(TestHub hub, FeedbackRequest report)
    {
        (await hub.Coordinator.PostAsync("/v1/match", Json(new MatchRequest { JobId = report.JobId, TopK = 100 }))).Expect(200);
        return (await hub.Coordinator.PostAsync("/v1/feedback", Json(report))).Expect(200).Text("status");
    }

    /// <summary>Every series of the metrics, without its value.</summary>
    private static async Task<string[]> SeriesAsync(TestHub hub) =>
        [.. (await hub.Http.GetAsync("/v1/metrics")).Expect(200).Body.Split('\n').Where(line => line.Length > 0 && line[0] != '#').Select(line => line[..line.LastIndexOf(' ')])];

    private static string Json<T>(T body) => JsonSerializer.Serialize(body, typeof(T), HubJson.Default);
}

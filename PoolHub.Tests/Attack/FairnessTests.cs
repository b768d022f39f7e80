using System.Net;
using System.Net.Http.Headers;
using System.Text;
using PoolHub.Tests.EndToEnd;

namespace PoolHub.Tests.Attack;

/// <summary>docs/security.md: a coordinator that does its worst does not make another wait.</summary>
[Collection<Alone>]
public sealed class FairnessTests
{
    private const int MatchesPerSec = 200;
    private const int Connections = 4;

    /// <summary>What a busy machine does to the hundredth match of a short run; the faults that are looked for take longer.</summary>
    private const double BusyMs = 200;

    private static int Miners => Effort.Of(10_000, 30_000);

    private static TimeSpan Phase => TimeSpan.FromSeconds(Effort.Of(4, 30));

    [Theory]
    [InlineData("feedback")]
    [InlineData("explain")]
    [InlineData("batches")]
    public async Task Other_coordinator_makes_nobody_wait(string attack)
    {
        await using HubProcess hub = await LoadedHub.StartAsync(Miners);
        var victim = new MatchPace(new IPEndPoint(IPAddress.Loopback, hub.HttpPort), MatchesPerSec);
        _ = await victim.RunAsync(TimeSpan.FromSeconds(1));
        Latencies before = await victim.RunAsync(Phase);
        using var http = new HttpClient { BaseAddress = hub.HttpAddress };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", LoadedHub.Attacker);
        if (attack == "feedback")
        {
            for (int i = 0; i < 40; i++)
            {
                await PostAsync(http, "v1/match/batch", Batch($"of-{i}", sameJob: false, holdMs: 600_000));
            }
        }
        using var stop = new CancellationTokenSource();
        int[] answers = new int[600];
        Task[] attackers = [.. Enumerable.Range(0, Connections).Select(i => Task.Run(
            async () =>
            {
                for (int n = 0; !stop.IsCancellationRequested; n++)
                {
                    int status = attack switch
                    {
                        "feedback" => await PostAsync(http, "v1/feedback", $$"""{"job_id":"of-{{n % 40}}-{{n % 200}}","miner_id":"rig-{{n % Miners:000000}}","outcome":"rejected"}"""),
                        "explain" => await PostAsync(http, "v1/match/explain", """{"job_id":"e","hints":{"max_price":0.0001,"deadline_ms":1},"top_k":100}"""),
                        _ => await PostAsync(http, "v1/match/batch", Batch($"{i}-{n}", sameJob: false)),
                    };
                    _ = Interlocked.Increment(ref answers[status]);
                    if (status == 429)
                    {
                        await Task.Delay(20, CancellationToken.None);
                    }
                }
            },
            CancellationToken.None))];
        Latencies attacked = await victim.RunAsync(Phase);
        await stop.CancelAsync();
        await Task.WhenAll(attackers);
        Latencies quiet = before.With(await victim.RunAsync(Phase));
        string said = string.Join(", ", answers.Select((count, status) => (count, status)).Where(a => a.count > 0).Select(a => $"{a.count} × {a.status}"));
        Effort.Print($"{attack} ({said}), load {LoadedHub.Load():0.0}\nquiet:    {quiet}\nattacked: {attacked}, {attacked.P99 / quiet.P99:0.0} times the quiet p99");
        Assert.True(answers[200] > 0, said);
        Assert.True(attacked.P99 <= 3 * quiet.P99 || (!Effort.IsFull && attacked.P99 < BusyMs), $"99th percentile {attacked.P99:0.00} ms, {quiet.P99:0.00} ms without");
    }

    /// <summary>As many matches as one batch may have, each with as many candidates as one may.</summary>
    internal static string Batch(string name, bool sameJob, int holdMs = 500) => $$"""
        {"requests":[{{string.Join(',', Enumerable.Range(0, 256).Select(i =>
            $$"""{"job_id":"{{name}}{{(sameJob ? "" : $"-{i}")}}","top_k":100,"explain":"full","hold_ms":{{holdMs}}}"""))}}]}
        """;

    /// <summary>Reads the answer and throws it away; gives its status.</summary>
    private static async Task<int> PostAsync(HttpClient http, string path, string body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        using HttpResponseMessage response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        await response.Content.CopyToAsync(Stream.Null);
        return (int)response.StatusCode;
    }
}

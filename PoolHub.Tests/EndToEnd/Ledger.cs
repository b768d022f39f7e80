using System.Collections.Concurrent;
using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace PoolHub.Tests.EndToEnd;

/// <summary>
/// Clients that register miners and report feedback until they are told to stop, and keep what was answered 2xx. Whatever
/// is in here must be in the store, once.
/// </summary>
internal sealed class Ledger(HubProcess hub, string name)
{
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(2);

    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _clients = [];
    private int _next;

    /// <summary>The id of every miner that was registered, and the price that it was promised last.</summary>
    public ConcurrentDictionary<string, decimal> Miners { get; } = new();

    /// <summary>Each report by its job; the miner that it is on.</summary>
    public ConcurrentDictionary<string, string> Reports { get; } = new();

    /// <summary>How often a lease was renewed, or refused to be.</summary>
    public int Renewals { get; private set; }

    /// <summary>What was answered otherwise, by status.</summary>
    public ConcurrentDictionary<int, int> Refused { get; } = new();

    /// <summary>Each client registers a miner of its own, and then again and again, and reports on it.</summary>
    public void Begin(int clients)
    {
        for (int i = 0; i < clients; i++)
        {
            _clients.Add(Task.Run(RunAsync));
        }
    }

    /// <summary>Each client has a miner that is registered, registers it again and again at a rising price, and reports on it.</summary>
    public void BeginKnown(IEnumerable<string> minerIds)
    {
        foreach (string minerId in minerIds)
        {
            _clients.Add(Task.Run(async () =>
            {
                for (int round = 2; !_stop.IsCancellationRequested; round++)
                {
                    _ = await RegisterAsync(minerId, round);
                    _ = await ReportAsync($"{minerId}-job-{round}", minerId);
                    await Task.Delay(s_pause);
                }
            }));
        }
    }

    /// <summary>A client that renews the lease of a session, as a miner does that speaks HTTP.</summary>
    public void BeginRenewing(string token) => _clients.Add(Task.Run(async () =>
    {
        while (!_stop.IsCancellationRequested)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "v1/miners/lease/renew");
            request.Headers.Add("X-PoolHub-Session", token);
            using HttpResponseMessage answer = await hub.Http.SendAsync(request);
            _ = Count(answer);
            Renewals++;
            await Task.Delay(s_pause);
        }
    }));

    public async Task EndAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_clients);
        _stop.Dispose();
    }

    public async Task<bool> RegisterAsync(string minerId, decimal price)
    {
        using HttpResponseMessage answer = await PostAsync("v1/miners/register", new JsonObject
        {
            ["miner_id"] = minerId,
            ["api_key"] = Samples.KeyOf(minerId),
            ["addr"] = "10.0.3.7:9000",
            ["proto"] = "grpc",
            ["price_token_per_ksec"] = price,
            ["max_parallel"] = 4,
            ["tags"] = new JsonArray(minerId),
        });
        if (answer.IsSuccessStatusCode)
        {
            Miners[minerId] = price;
        }
        return Count(answer);
    }

    /// <summary>A match that gives the miner, and a report on it.</summary>
    public async Task<bool> ReportAsync(string job, string minerId)
    {
        using HttpResponseMessage match = await PostAsync("v1/match", new JsonObject
        {
            ["job_id"] = job,
            ["requirements"] = new JsonObject { ["tags_any"] = new JsonArray(minerId) },
        });
        using HttpResponseMessage answer = await PostAsync("v1/feedback", new JsonObject
        {
            ["job_id"] = job,
            ["miner_id"] = minerId,
            ["outcome"] = "completed",
            ["latency_ms"] = 5,
        });
        if (answer.IsSuccessStatusCode)
        {
            Reports[job] = minerId;
        }
        return Count(answer);
    }

    public Task<HttpResponseMessage> PostAsync(string path, JsonObject body)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(body) };
        request.Headers.Add("Authorization", $"Bearer {HubProcess.Secret}");
        return hub.Http.SendAsync(request);
    }

    private async Task RunAsync()
    {
        try
        {
            for (int round = 0; !_stop.IsCancellationRequested; round++)
            {
                int number = Interlocked.Increment(ref _next);
                string minerId = $"{name}-rig-{number}";
                if (!await RegisterAsync(minerId, number))
                {
                    continue;
                }
                for (int i = 0; i < 4 && !_stop.IsCancellationRequested; i++)
                {
                    _ = await ReportAsync($"{name}-job-{number}-{i}", minerId);
                    // Told twice, as a coordinator does that missed the answer.
                    _ = await ReportAsync($"{name}-job-{number}-{i}", minerId);
                }
                _ = await RegisterAsync(minerId, number + 0.5m);
            }
        }
        catch (HttpRequestException)
        {
            // The hub is gone: what it did not answer it need not keep.
        }
        catch (IOException)
        {
            // Likewise, in the midst of an answer.
        }
    }

    private bool Count(HttpResponseMessage answer)
    {
        if (!answer.IsSuccessStatusCode)
        {
            _ = Refused.AddOrUpdate((int)answer.StatusCode, 1, (_, n) => n + 1);
        }
        return answer.IsSuccessStatusCode;
    }
}

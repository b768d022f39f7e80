using System.Net.Http.Headers;
using PoolHub.Protocol.Http;

namespace PoolHub.Protocol.Client;

/// <summary>Asks a hub who should run a job, and tells it how the job went.</summary>
/// <param name="http">Its base address is the hub's, ending with a slash when it has a path; it is not disposed.</param>
/// <param name="secret">The coordinators' shared secret.</param>
public sealed class CoordinatorClient(HttpClient http, string secret)
{
    /// <exception cref="HubException">The hub refused, failed or could not be reached.</exception>
    public async Task<MatchResponse> MatchAsync(MatchRequest request, CancellationToken cancel = default)
    {
        using HttpRequestMessage message = Authorised(HttpMethod.Post, "v1/match");
        message.Content = HubHttp.Body(request, HubJson.Default.MatchRequest);
        return await HubHttp.SendAsync(http, message, HubJson.Default.MatchResponse, cancel);
    }

    /// <summary>Safe to repeat: a second report of the same job, miner and outcome is not counted.</summary>
    /// <exception cref="HubException">The hub refused, failed or could not be reached.</exception>
    public async Task<FeedbackResponse> FeedbackAsync(FeedbackRequest request, CancellationToken cancel = default)
    {
        using HttpRequestMessage message = Authorised(HttpMethod.Post, "v1/feedback");
        message.Content = HubHttp.Body(request, HubJson.Default.FeedbackRequest);
        return await HubHttp.SendAsync(http, message, HubJson.Default.FeedbackResponse, cancel);
    }

    /// <exception cref="HubException">The hub failed or could not be reached.</exception>
    public async Task<HealthResponse> HealthAsync(CancellationToken cancel = default)
    {
        using var message = new HttpRequestMessage(HttpMethod.Get, HubHttp.Address("v1/health"));
        return await HubHttp.SendAsync(http, message, HubJson.Default.HealthResponse, cancel);
    }

    private HttpRequestMessage Authorised(HttpMethod method, string path) =>
        new(method, HubHttp.Address(path)) { Headers = { Authorization = new AuthenticationHeaderValue("Bearer", secret) } };
}

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

    /// <summary>Matches in this order: what one holds the next does not find; 1 to 256 requests.</summary>
    /// <exception cref="HubException">The hub refused, and held nothing, or failed or could not be reached.</exception>
    public async Task<MatchResponse[]> MatchBatchAsync(MatchRequest[] requests, CancellationToken cancel = default)
    {
        using HttpRequestMessage message = Authorised(HttpMethod.Post, "v1/match/batch");
        message.Content = HubHttp.Body(new BatchRequest { Requests = requests }, HubJson.Default.BatchRequest);
        return (await HubHttp.SendAsync(http, message, HubJson.Default.BatchResponse, cancel)).Answers;
    }

    /// <summary>Gives the holds of a match back, or that of one miner. Returns how many; 0 when they had ended, which is no error.</summary>
    /// <exception cref="HubException">The hub does not know such a match, failed or could not be reached.</exception>
    public async Task<int> ReleaseAsync(string matchId, string? minerId = null, CancellationToken cancel = default)
    {
        using HttpRequestMessage message = Authorised(HttpMethod.Post, $"v1/match/{Uri.EscapeDataString(matchId)}/release");
        message.Content = HubHttp.Body(new ReleaseRequest { MinerId = minerId }, HubJson.Default.ReleaseRequest);
        return (await HubHttp.SendAsync(http, message, HubJson.Default.ReleaseResponse, cancel)).Released;
    }

    /// <summary>Makes the holds of a match, or that of one miner, last from now on: for <paramref name="holdMs"/>, or as long as the match asked for.</summary>
    /// <exception cref="HubException">They have ended (410), the hub does not know such a match, failed or could not be reached.</exception>
    public async Task<HeldMiner[]> RenewAsync(string matchId, string? minerId = null, int? holdMs = null, CancellationToken cancel = default)
    {
        using HttpRequestMessage message = Authorised(HttpMethod.Post, $"v1/match/{Uri.EscapeDataString(matchId)}/renew");
        message.Content = HubHttp.Body(new RenewRequest { MinerId = minerId, HoldMs = holdMs }, HubJson.Default.RenewRequest);
        return (await HubHttp.SendAsync(http, message, HubJson.Default.RenewResponse, cancel)).Holds;
    }

    /// <summary>The same, with those that have ended.</summary>
    /// <exception cref="HubException">As above.</exception>
    public async Task<RenewResponse> RenewAllAsync(string matchId, int? holdMs = null, CancellationToken cancel = default)
    {
        using HttpRequestMessage message = Authorised(HttpMethod.Post, $"v1/match/{Uri.EscapeDataString(matchId)}/renew");
        message.Content = HubHttp.Body(new RenewRequest { HoldMs = holdMs }, HubJson.Default.RenewRequest);
        return await HubHttp.SendAsync(http, message, HubJson.Default.RenewResponse, cancel);
    }

    /// <summary>One page of what this coordinator holds.</summary>
    /// <param name="which">Only those that fit; all when null.</param>
    /// <param name="cursor"><see cref="HoldPage.NextCursor"/> of the page before.</param>
    /// <exception cref="HubException">The hub refused, failed or could not be reached.</exception>
    public async Task<HoldPage> ListHoldsAsync(
        ReleaseHoldsRequest? which = null, int? limit = null, string? cursor = null, CancellationToken cancel = default)
    {
        using HttpRequestMessage message = Authorised(HttpMethod.Get, "v1/holds", HubHttp.Holds(which, limit, cursor));
        return await HubHttp.SendAsync(http, message, HubJson.Default.HoldPage, cancel);
    }

    /// <summary>Gives those of this coordinator's holds back that fit. Returns how many.</summary>
    /// <exception cref="HubException">The hub refused, failed or could not be reached.</exception>
    public async Task<int> ReleaseHoldsAsync(ReleaseHoldsRequest which, CancellationToken cancel = default)
    {
        using HttpRequestMessage message = Authorised(HttpMethod.Post, "v1/holds/release");
        message.Content = HubHttp.Body(which, HubJson.Default.ReleaseHoldsRequest);
        return (await HubHttp.SendAsync(http, message, HubJson.Default.ReleaseResponse, cancel)).Released;
    }

    /// <summary>What each clause of the request does to the fleet now, and what would find more. Holds nothing.</summary>
    /// <exception cref="HubException">The hub refused, failed or could not be reached.</exception>
    public async Task<ExplainResponse> ExplainAsync(MatchRequest request, CancellationToken cancel = default)
    {
        using HttpRequestMessage message = Authorised(HttpMethod.Post, "v1/match/explain");
        message.Content = HubHttp.Body(request, HubJson.Default.MatchRequest);
        return await HubHttp.SendAsync(http, message, HubJson.Default.ExplainResponse, cancel);
    }

    /// <summary>Why the request does not find this miner now, or at what place it does.</summary>
    /// <exception cref="HubException">The hub refused, failed or could not be reached; 404 when there is no such miner.</exception>
    public async Task<WhyNotResponse> WhyNotAsync(MatchRequest request, string minerId, CancellationToken cancel = default)
    {
        using HttpRequestMessage message = Authorised(HttpMethod.Post, "v1/match/why-not", ("miner_id", minerId));
        message.Content = HubHttp.Body(request, HubJson.Default.MatchRequest);
        return await HubHttp.SendAsync(http, message, HubJson.Default.WhyNotResponse, cancel);
    }

    /// <summary>Why a past match did not find this miner, or at what place it did.</summary>
    /// <exception cref="HubException">As above; 404 also when the match is forgotten.</exception>
    public async Task<WhyNotResponse> WhyNotAsync(string matchId, string minerId, CancellationToken cancel = default)
    {
        using HttpRequestMessage message = Authorised(
            HttpMethod.Get, $"v1/match/{Uri.EscapeDataString(matchId)}/why-not", ("miner_id", minerId));
        return await HubHttp.SendAsync(http, message, HubJson.Default.WhyNotResponse, cancel);
    }

    /// <summary>A past match, as it was decided.</summary>
    /// <exception cref="HubException">The hub refused, failed or could not be reached; 404 when it is forgotten.</exception>
    public async Task<DecisionResponse> DecisionAsync(string matchId, CancellationToken cancel = default)
    {
        using HttpRequestMessage message = Authorised(HttpMethod.Get, $"v1/match/{Uri.EscapeDataString(matchId)}");
        return await HubHttp.SendAsync(http, message, HubJson.Default.DecisionResponse, cancel);
    }

    /// <summary>Safe to repeat: a second report of the same job, miner and outcome is not counted.</summary>
    /// <exception cref="HubException">The hub refused, failed or could not be reached.</exception>
    public async Task<FeedbackResponse> FeedbackAsync(FeedbackRequest request, CancellationToken cancel = default)
    {
        using HttpRequestMessage message = Authorised(HttpMethod.Post, "v1/feedback");
        message.Content = HubHttp.Body(request, HubJson.Default.FeedbackRequest);
        return await HubHttp.SendAsync(http, message, HubJson.Default.FeedbackResponse, cancel);
    }

    private HttpRequestMessage Authorised(HttpMethod method, string path, params ReadOnlySpan<(string Name, string? Value)> query) =>
        new(method, HubHttp.Address(path, query)) { Headers = { Authorization = new AuthenticationHeaderValue("Bearer", secret) } };
}

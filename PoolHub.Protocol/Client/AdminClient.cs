using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json.Serialization.Metadata;
using PoolHub.Protocol.Http;

namespace PoolHub.Protocol.Client;

/// <summary>What an operator does with a hub from afar. Every method throws <see cref="HubException"/>.</summary>
/// <param name="http">Its base address is the hub's, ending with a slash when it has a path; it is not disposed.</param>
/// <param name="token">The admin token.</param>
public sealed class AdminClient(HttpClient http, string token)
{
    /// <summary>One page of the registry.</summary>
    /// <param name="cursor"><see cref="MinerPage.NextCursor"/> of the page before.</param>
    /// <param name="state"><c>online</c>, <c>degraded</c> or <c>offline</c>.</param>
    public Task<MinerPage> ListMinersAsync(
        int? limit = null,
        string? cursor = null,
        string? state = null,
        string? region = null,
        CancellationToken cancel = default) =>
        SendAsync(
            HttpMethod.Get,
            HubHttp.Address("v1/miners", ("limit", Number(limit)), ("cursor", cursor), ("state", state), ("region", region)),
            HubJson.Default.MinerPage,
            cancel);

    /// <summary>Everything the hub knows of one miner; 404 when it has never registered.</summary>
    public Task<MinerSnapshot> GetMinerAsync(string minerId, CancellationToken cancel = default) =>
        SendAsync(HttpMethod.Get, Miner(minerId), HubJson.Default.MinerSnapshot, cancel);

    /// <summary>A first key for a miner; 409 when it has one.</summary>
    public Task<KeyResponse> IssueKeyAsync(string minerId, CancellationToken cancel = default) =>
        SendAsync(HttpMethod.Post, Miner(minerId, "/key"), HubJson.Default.KeyResponse, cancel);

    /// <summary>A new key; the old one stays valid for the grace.</summary>
    public Task<KeyResponse> RotateKeyAsync(string minerId, int? graceSec = null, CancellationToken cancel = default) =>
        SendAsync(
            HttpMethod.Post,
            Miner(minerId, "/key/rotate", ("grace_sec", Number(graceSec))),
            HubJson.Default.KeyResponse,
            cancel);

    /// <summary>Makes all keys of a miner invalid and ends its session.</summary>
    public Task<RevokeResponse> RevokeKeyAsync(string minerId, CancellationToken cancel = default) =>
        SendAsync(HttpMethod.Delete, Miner(minerId, "/key"), HubJson.Default.RevokeResponse, cancel);

    /// <summary>Who is banned for failed logins now.</summary>
    public Task<BansResponse> ListBansAsync(CancellationToken cancel = default) =>
        SendAsync(HttpMethod.Get, HubHttp.Address("v1/bans"), HubJson.Default.BansResponse, cancel);

    /// <summary>Ends the ban of an address, or of an IPv6 /64; does no harm when there is none.</summary>
    public Task<LiftResponse> LiftAddressAsync(string address, CancellationToken cancel = default) =>
        SendAsync(HttpMethod.Delete, HubHttp.Address("v1/bans", ("address", address)), HubJson.Default.LiftResponse, cancel);

    /// <summary>Ends the ban of a miner's id.</summary>
    public Task<LiftResponse> LiftMinerAsync(string minerId, CancellationToken cancel = default) =>
        SendAsync(HttpMethod.Delete, HubHttp.Address("v1/bans", ("miner_id", minerId)), HubJson.Default.LiftResponse, cancel);

    /// <summary>One page of what is known of the miners' keys.</summary>
    /// <param name="cursor"><see cref="KeyPage.NextCursor"/> of the page before.</param>
    public Task<KeyPage> ListKeysAsync(int? limit = null, string? cursor = null, CancellationToken cancel = default) => SendAsync(
        HttpMethod.Get, HubHttp.Address("v1/keys", ("limit", Number(limit)), ("cursor", cursor)), HubJson.Default.KeyPage, cancel);

    /// <summary>One page of who did what with an admin's rights, the newest first.</summary>
    /// <param name="minerId">Only what was done to this miner.</param>
    /// <param name="cursor"><see cref="AuditPage.NextCursor"/> of the page before.</param>
    public Task<AuditPage> ListAuditAsync(
        string? minerId = null, int? limit = null, string? cursor = null, CancellationToken cancel = default) => SendAsync(
        HttpMethod.Get,
        HubHttp.Address("v1/audit", ("miner_id", minerId), ("limit", Number(limit)), ("cursor", cursor)),
        HubJson.Default.AuditPage,
        cancel);

    /// <summary>Sends a command and waits for its acknowledgement as long as the request says.</summary>
    public Task<CommandResponse> SendCommandAsync(string minerId, CommandRequest command, CancellationToken cancel = default) =>
        SendAsync(
            HttpMethod.Post,
            Miner(minerId, "/commands"),
            HubJson.Default.CommandResponse,
            cancel,
            HubHttp.Body(command, HubJson.Default.CommandRequest));

    /// <summary>Has a miner offered at another price than its own; 404 when it has not registered.</summary>
    public Task<PriceResponse> SetPriceAsync(string minerId, PriceRequest price, CancellationToken cancel = default) =>
        SendAsync(
            HttpMethod.Put, Miner(minerId, "/price"), HubJson.Default.PriceResponse, cancel, HubHttp.Body(price, HubJson.Default.PriceRequest));

    /// <summary>Has a miner offered at its own price again.</summary>
    public Task<PriceResponse> ClearPriceAsync(string minerId, CancellationToken cancel = default) =>
        SendAsync(HttpMethod.Delete, Miner(minerId, "/price"), HubJson.Default.PriceResponse, cancel);

    /// <summary>One page of what coordinators hold.</summary>
    /// <param name="which">Only those that fit; all when null.</param>
    /// <param name="cursor"><see cref="HoldPage.NextCursor"/> of the page before.</param>
    public Task<HoldPage> ListHoldsAsync(
        ReleaseHoldsRequest? which = null, int? limit = null, string? cursor = null, CancellationToken cancel = default) => SendAsync(
        HttpMethod.Get, HubHttp.Address("v1/holds", HubHttp.Holds(which, limit, cursor)), HubJson.Default.HoldPage, cancel);

    /// <summary>Gives those of the coordinators' holds back that fit.</summary>
    public Task<ReleaseResponse> ReleaseHoldsAsync(ReleaseHoldsRequest which, CancellationToken cancel = default) => SendAsync(
        HttpMethod.Post,
        HubHttp.Address("v1/holds/release"),
        HubJson.Default.ReleaseResponse,
        cancel,
        HubHttp.Body(which, HubJson.Default.ReleaseHoldsRequest));

    /// <summary>One page of what coordinators reported of a miner, the newest first; 404 when the hub does not know it.</summary>
    /// <param name="cursor"><see cref="FeedbackPage.NextCursor"/> of the page before.</param>
    public Task<FeedbackPage> ListFeedbackAsync(
        string minerId, int? limit = null, string? cursor = null, CancellationToken cancel = default) => SendAsync(
        HttpMethod.Get, Miner(minerId, "/feedback", ("limit", Number(limit)), ("cursor", cursor)), HubJson.Default.FeedbackPage, cancel);

    /// <summary>Forgets what feedback taught of a miner, and ends its ejection; 404 when the hub does not know it.</summary>
    public Task<TrustResetResponse> ResetTrustAsync(string minerId, CancellationToken cancel = default) =>
        SendAsync(HttpMethod.Delete, Miner(minerId, "/trust"), HubJson.Default.TrustResetResponse, cancel);

    /// <summary>Tells the mass-loss guard that the miners are really gone.</summary>
    public Task<AcceptLossResponse> AcceptLossAsync(CancellationToken cancel = default) =>
        SendAsync(HttpMethod.Post, HubHttp.Address("v1/miners/accept-loss"), HubJson.Default.AcceptLossResponse, cancel);

    private async Task<T> SendAsync<T>(
        HttpMethod method, Uri address, JsonTypeInfo<T> type, CancellationToken cancel, HttpContent? content = null)
    {
        using var message = new HttpRequestMessage(method, address)
        {
            Content = content,
            Headers = { Authorization = new AuthenticationHeaderValue("Bearer", token) },
        };
        return await HubHttp.SendAsync(http, message, type, cancel);
    }

    private static Uri Miner(string minerId, string what = "", params ReadOnlySpan<(string Name, string? Value)> query) =>
        HubHttp.Address($"v1/miners/{Uri.EscapeDataString(minerId)}{what}", query);

    private static string? Number(int? value) => value?.ToString(CultureInfo.InvariantCulture);
}

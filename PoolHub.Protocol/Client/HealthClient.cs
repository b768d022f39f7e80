using PoolHub.Protocol.Http;

namespace PoolHub.Protocol.Client;

/// <summary>Asks a hub how it is, which needs no secret.</summary>
/// <param name="http">Its base address is the hub's, ending with a slash when it has a path; it is not disposed.</param>
public sealed class HealthClient(HttpClient http)
{
    /// <summary>How the hub is now.</summary>
    /// <exception cref="HubException">The hub failed or could not be reached.</exception>
    public async Task<HealthResponse> HealthAsync(CancellationToken cancel = default)
    {
        using var message = new HttpRequestMessage(HttpMethod.Get, HubHttp.Address("v1/health"));
        return await HubHttp.SendAsync(http, message, HubJson.Default.HealthResponse, cancel);
    }
}

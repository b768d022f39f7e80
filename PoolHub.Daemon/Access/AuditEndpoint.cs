using System.Globalization;
using PoolHub.Daemon.Http;
using PoolHub.Daemon.Storage;
using PoolHub.Protocol;
using PoolHub.Protocol.Http;

namespace PoolHub.Daemon.Access;

/// <summary>Who did what with an admin's rights, the newest first; docs/http-api.md, "Audit".</summary>
internal sealed class AuditEndpoint(IHubStore store, Credentials credentials)
{
    public void Map(IEndpointRouteBuilder routes) => routes.MapGet("/v1/audit", ListAsync);

    private async Task ListAsync(HttpContext http)
    {
        string? minerId = http.Request.Query["miner_id"];
        if (!await credentials.RequireAsync(http, Caller.Admin)
            || await http.ReadLimitAsync() is not { } limit
            || !await http.IsMinerIdAsync("miner_id", minerId, Texts.MinerIdRule)
            || await http.ReadIdCursorAsync() is not { } before)
        {
            return;
        }
        IReadOnlyList<AuditEntry> found = await store.ReadAuditAsync(minerId, before, limit + 1, http.RequestAborted);
        await http.Response.JsonAsync(new AuditPage
        {
            Entries = [.. found.Take(limit).Select(View)],
            NextCursor = found.Count > limit ? found[limit - 1].Id.ToString(CultureInfo.InvariantCulture) : null,
        }, HubJson.Default.AuditPage);
    }

    private static AuditView View(AuditEntry entry) => new()
    {
        At = entry.At,
        Who = entry.Who,
        Address = OrNull(entry.Address),
        Action = entry.Action,
        MinerId = entry.MinerId,
        Detail = OrNull(entry.Detail),
    };

    private static string? OrNull(string text) => text.Length > 0 ? text : null;
}

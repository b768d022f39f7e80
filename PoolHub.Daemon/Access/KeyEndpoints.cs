using System.Globalization;
using PoolHub.Daemon.Http;
using PoolHub.Daemon.Storage;
using PoolHub.Protocol;
using PoolHub.Protocol.Http;

namespace PoolHub.Daemon.Access;

/// <summary>The admin's calls on keys; docs/http-api.md, "Keys".</summary>
/// <param name="ring">The keys.</param>
/// <param name="credentials">Who may change them.</param>
/// <param name="audit">Says who did.</param>
/// <param name="time">The hub's clock.</param>
/// <param name="revoked">Told the miner's id after its keys are gone.</param>
internal sealed class KeyEndpoints(KeyRing ring, Credentials credentials, AuditLog audit, TimeProvider time, Func<string, ValueTask> revoked)
{
    private const int DefaultGraceSec = 86_400;
    private const int MaxGraceSec = 30 * 86_400;

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/keys", ListAsync);
        routes.MapPost("/v1/miners/{id}/key", IssueAsync);
        routes.MapPost("/v1/miners/{id}/key/rotate", RotateAsync);
        routes.MapDelete("/v1/miners/{id}/key", RevokeAsync);
    }

    private async Task ListAsync(HttpContext http)
    {
        string? cursor = http.Request.Query["cursor"];
        if (!await credentials.RequireAsync(http, Caller.Admin)
            || await http.ReadLimitAsync() is not { } limit
            || !await http.IsMinerIdAsync("cursor", cursor, "must be the next_cursor of another page"))
        {
            return;
        }
        KeyView[] page = [.. ring.After(cursor).Take(limit + 1).Select(k => View(k.Key, k.Value))];
        await http.Response.JsonAsync(new KeyPage
        {
            Keys = page.Length > limit ? page[..limit] : page,
            NextCursor = page.Length > limit ? page[limit - 1].MinerId : null,
        }, HubJson.Default.KeyPage);
    }

    private KeyView View(string minerId, StoredKeys keys) => new()
    {
        MinerId = minerId,
        Valid = keys.Current is not null,
        IssuedAt = keys.IssuedAt,
        RotatedAt = keys.RotatedAt,
        OldKeyUntil = keys.PreviousUntil > time.GetUtcNow() ? keys.PreviousUntil : null,
        RevokedAt = keys.RevokedAt,
        LastUsedAt = ring.UsedAt(minerId),
    };

    private async Task IssueAsync(HttpContext http)
    {
        if (await AdmitAsync(http) is not var (admin, id))
        {
            return;
        }
        AuditEntry entry = audit.Entry(http, admin, AuditEntry.KeyIssue, id);
        await AnswerAsync(http, id, ring.IssueAsync(id, entry), StatusCodes.Status409Conflict, "this miner has a key; rotate it to get another");
    }

    private async Task RotateAsync(HttpContext http)
    {
        if (await AdmitAsync(http) is not var (admin, id))
        {
            return;
        }
        int graceSec = DefaultGraceSec;
        string? text = http.Request.Query["grace_sec"];
        if (text is not null
            && (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out graceSec) || graceSec > MaxGraceSec))
        {
            await http.Response.BadFieldAsync(("grace_sec", $"must be a whole number from 0 to {MaxGraceSec}"));
            return;
        }
        AuditEntry entry = audit.Entry(http, admin, AuditEntry.KeyRotate, id, $"the old key stays valid for {graceSec} s");
        await AnswerAsync(
            http, id, ring.RotateAsync(id, TimeSpan.FromSeconds(graceSec), entry), StatusCodes.Status404NotFound, "this miner has no key to rotate");
    }

    private async Task RevokeAsync(HttpContext http)
    {
        if (await AdmitAsync(http) is not var (admin, id))
        {
            return;
        }
        if (!ring.Knows(id))
        {
            await http.Response.ProblemAsync(StatusCodes.Status404NotFound, "no such miner");
            return;
        }
        int count = await ring.RevokeAsync(id, audit.Entry(http, admin, AuditEntry.KeyRevoke, id));
        await revoked(id);
        await http.Response.JsonAsync(new RevokeResponse { MinerId = id, Revoked = count }, HubJson.Default.RevokeResponse);
    }

    private async ValueTask<(Identity Admin, string MinerId)?> AdmitAsync(HttpContext http)
    {
        if (await credentials.AuthenticateAsync(http, Caller.Admin) is not { } admin)
        {
            return null;
        }
        string? id = http.Request.RouteValues["id"] as string;
        if (!Texts.IsMinerId(id))
        {
            await http.Response.BadFieldAsync(("miner_id", Texts.MinerIdRule));
            return null;
        }
        return (admin, id);
    }

    private static async Task AnswerAsync(HttpContext http, string id, Task<string?> issuing, int refusal, string why)
    {
        string? key = await issuing;
        await (key is null
            ? http.Response.ProblemAsync(refusal, why)
            : http.Response.JsonAsync(new KeyResponse { MinerId = id, ApiKey = key }, HubJson.Default.KeyResponse));
    }
}

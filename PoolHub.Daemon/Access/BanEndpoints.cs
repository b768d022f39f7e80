using System.Net;
using PoolHub.Daemon.Http;
using PoolHub.Daemon.Storage;
using PoolHub.Protocol;
using PoolHub.Protocol.Http;

namespace PoolHub.Daemon.Access;

/// <summary>The admin's view of bans; docs/http-api.md, "Bans".</summary>
/// <param name="guard">Bans for failed logins.</param>
/// <param name="wordless">Bans for coming again and again without a word.</param>
/// <param name="credentials">Who may look.</param>
/// <param name="audit">Says who has lifted one.</param>
internal sealed partial class BanEndpoints(
    LoginGuard guard, FailureBans<AddressBlock> wordless, Credentials credentials, AuditLog audit, ILogger<BanEndpoints> log)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/bans", ListAsync);
        routes.MapDelete("/v1/bans", LiftAsync);
    }

    private async Task ListAsync(HttpContext http)
    {
        if (!await credentials.RequireAsync(http, Caller.Admin))
        {
            return;
        }
        await http.Response.JsonAsync(new BansResponse
        {
            Bans =
            [
                .. guard.Bans().Select(b => ViewOf(Ban.Logins, b.Address, b.MinerId, b.Left, b.Bans))
                    .Concat(wordless.Banned().Select(b => ViewOf(Ban.Wordless, b.Who.ToString(), minerId: null, b.Left, b.Bans)))
                    .OrderByDescending(b => b.EndsInSec).Take(BansResponse.MaxBans),
            ],
        }, HubJson.Default.BansResponse);
    }

    private static Ban ViewOf(string reason, string? address, string? minerId, TimeSpan left, int count) => new()
    {
        Reason = reason,
        Address = address,
        MinerId = minerId,
        EndsInSec = (int)Math.Ceiling(left.TotalSeconds),
        Count = count,
    };

    private async Task LiftAsync(HttpContext http)
    {
        if (await credentials.AuthenticateAsync(http, Caller.Admin) is not { } admin)
        {
            return;
        }
        string? address = http.Request.Query["address"];
        string? minerId = http.Request.Query["miner_id"];
        if (address is null == minerId is null)
        {
            await http.Response.BadFieldAsync(("address", "or miner_id must be given, and not both"));
            return;
        }
        bool lifted;
        if (minerId is not null)
        {
            lifted = guard.Lift(minerId);
        }
        else
        {
            // As the list shows it: an IPv6 network by its prefix.
            string text = address!.EndsWith("/64", StringComparison.Ordinal) ? address[..^3] : address;
            if (!IPAddress.TryParse(text, out IPAddress? parsed))
            {
                await http.Response.BadFieldAsync(("address", "must be an IP address, as GET /v1/bans shows it"));
                return;
            }
            var block = AddressBlock.Of(parsed);
            lifted = guard.Lift(block) | wordless.Lift(block);
        }
        // Where none stands, what was wished for is so.
        string who = address ?? minerId!;
        BanLifted(log, admin.Name, who);
        if (lifted)
        {
            await audit.AppendAsync(audit.Entry(http, admin, AuditEntry.BanLift, minerId, address ?? ""));
        }
        await http.Response.JsonAsync(new LiftResponse { Lifted = who }, HubJson.Default.LiftResponse);
    }

    [LoggerMessage(LogLevel.Information, "{Admin} has lifted what bans of {Who} there were")]
    private static partial void BanLifted(ILogger log, string admin, string who);
}

using PoolHub.Daemon.Access;
using PoolHub.Daemon.Http;
using PoolHub.Daemon.Registry;
using PoolHub.Daemon.Storage;
using PoolHub.Protocol.Http;

namespace PoolHub.Daemon.Sessions;

/// <summary>What an admin has a miner offered at, in place of its own price; docs/http-api.md, "Prices".</summary>
internal sealed class PriceEndpoint(MinerRegistry registry, Credentials credentials, AuditLog audit, TimeProvider time)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPut("/v1/miners/{id}/price", SetAsync);
        routes.MapDelete("/v1/miners/{id}/price", DeleteAsync);
    }

    private async Task SetAsync(HttpContext http)
    {
        if (await AdmitAsync(http) is not var (admin, miner) || await http.ReadJsonAsync(HubJson.Default.PriceRequest) is not { } request)
        {
            return;
        }
        if (request.PriceTokenPerKsec is not { } price)
        {
            await http.Response.BadFieldAsync(("price_token_per_ksec", "is required"));
            return;
        }
        if (request.EndsAt is { } end && end <= time.GetUtcNow())
        {
            await http.Response.BadFieldAsync(("ends_at", "must be in the future"));
            return;
        }
        string detail = request.EndsAt is { } endsAt ? $"{price} until {endsAt.UtcDateTime:u}" : $"{price}";
        await OverrideAsync(http, miner, new PriceOverride(price, request.EndsAt), audit.Entry(http, admin, AuditEntry.PriceSet, miner.Id, detail));
    }

    private async Task DeleteAsync(HttpContext http)
    {
        if (await AdmitAsync(http) is var (admin, miner))
        {
            await OverrideAsync(http, miner, price: null, audit.Entry(http, admin, AuditEntry.PriceClear, miner.Id));
        }
    }

    private async Task OverrideAsync(HttpContext http, Miner miner, PriceOverride? price, AuditEntry entry)
    {
        await registry.OverridePriceAsync(miner, price, entry);
        await http.Response.JsonAsync(
            new PriceResponse
            {
                MinerId = miner.Id,
                PriceTokenPerKsec = price?.Price ?? miner.Profile!.Price,
                OwnPrice = miner.Profile!.Price,
                EndsAt = price?.EndsAt,
            },
            HubJson.Default.PriceResponse);
    }

    private async ValueTask<(Identity Admin, Miner Miner)?> AdmitAsync(HttpContext http)
    {
        if (await credentials.AuthenticateAsync(http, Caller.Admin) is not { } admin)
        {
            return null;
        }
        if (registry.Find((string)http.Request.RouteValues["id"]!) is { Profile: not null } miner)
        {
            return (admin, miner);
        }
        await http.Response.ProblemAsync(StatusCodes.Status404NotFound, "no such miner");
        return null;
    }
}

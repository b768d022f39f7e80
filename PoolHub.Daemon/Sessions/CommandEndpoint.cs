using PoolHub.Daemon.Access;
using PoolHub.Daemon.Http;
using PoolHub.Daemon.Registry;
using PoolHub.Daemon.Storage;
using PoolHub.Protocol;
using PoolHub.Protocol.Http;
using PoolHub.Protocol.Wire;

namespace PoolHub.Daemon.Sessions;

/// <summary>The admin's commands to a miner; docs/http-api.md, "Commands".</summary>
internal sealed class CommandEndpoint(
    SessionTable table, MinerRegistry registry, CommandDesk commands, Credentials credentials, AuditLog audit, TimeProvider time,
    CancellationToken stopping)
{
    private const int DefaultWaitMs = 5_000;
    private const int MaxWaitMs = 60_000;

    public void Map(IEndpointRouteBuilder routes) => routes.MapPost("/v1/miners/{id}/commands", SendAsync);

    private async Task SendAsync(HttpContext http)
    {
        if (await credentials.AuthenticateAsync(http, Caller.Admin) is not { } admin
            || await http.ReadJsonAsync(HubJson.Default.CommandRequest) is not { } request)
        {
            return;
        }
        if (request.WaitMs is < 0 or > MaxWaitMs)
        {
            await http.Response.BadFieldAsync(("wait_ms", $"must be from 0 to {MaxWaitMs}"));
            return;
        }
        if (CommandNames.Read(request, out (string Field, string Problem) fault) is not { } command)
        {
            await http.Response.BadFieldAsync(fault);
            return;
        }
        string id = (string)http.Request.RouteValues["id"]!;
        if (registry.Find(id) is not { Profile: not null } miner)
        {
            await http.Response.ProblemAsync(StatusCodes.Status404NotFound, "no such miner");
            return;
        }
        if (table.Find(id) is not { } session || miner.State == LeaseState.Offline)
        {
            await http.Response.ProblemAsync(StatusCodes.Status409Conflict, "the miner has no session open");
            return;
        }
        if (commands.Send(session, command) is not var (sent, acknowledged))
        {
            await http.Response.ProblemAsync(StatusCodes.Status429TooManyRequests,
                $"{PendingCommands.Max} commands wait for this miner already", retryAfterSec: registry.LeaseTtlSec);
            return;
        }
        await audit.AppendAsync(audit.Entry(http, admin, AuditEntry.Command, id, CommandNames.Describe(sent)));
        CommandAck? ack = null;
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, stopping);
        try
        {
            ack = await acknowledged.WaitAsync(TimeSpan.FromMilliseconds(request.WaitMs ?? DefaultWaitMs), time, giveUp.Token);
        }
        catch (Exception e) when (e is TimeoutException || (e is OperationCanceledException && stopping.IsCancellationRequested))
        {
            // Not yet: it is told as pending.
        }
        await http.Response.JsonAsync(new CommandResponse
        {
            MinerId = id,
            CommandId = sent.Id,
            Status = ack is not { } outcome ? "pending" : outcome.Accepted ? "accepted" : "refused",
            Detail = ack is { Detail.Length: > 0 } said ? said.Detail : null,
        }, HubJson.Default.CommandResponse);
    }
}

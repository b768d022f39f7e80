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
        Session? session = miner.State == LeaseState.Offline ? null : table.Find(id);
        AuditEntry entry = audit.Entry(http, admin, AuditEntry.Command, id, CommandNames.Describe(command));
        WaitingCommand? sent;
        if (command.Kind == CommandKind.Drain)
        {
            sent = await commands.DrainAsync(miner, session, command, request.Force == true, entry);
        }
        else if (session is null)
        {
            await http.Response.ProblemAsync(StatusCodes.Status409Conflict, "the miner has no session open");
            return;
        }
        else
        {
            sent = CommandDesk.Send(session, command);
            if (sent is null)
            {
                await http.Response.ProblemAsync(StatusCodes.Status429TooManyRequests,
                    $"{PendingCommands.Max} commands wait for this miner already", retryAfterSec: registry.LeaseTtlSec);
                return;
            }
            await audit.AppendAsync(entry);
        }
        CommandAck? ack = sent is null
            ? new CommandAck(0, Accepted: true, "by the hub; the miner has no session open and was not told")
            : await WaitAsync(sent, request.WaitMs ?? DefaultWaitMs, http.RequestAborted);
        await http.Response.JsonAsync(new CommandResponse
        {
            MinerId = id,
            CommandId = sent?.Command.Id,
            Status = ack is not { } outcome ? "pending" : outcome.Accepted ? "accepted" : "refused",
            Detail = ack is { Detail.Length: > 0 } said ? said.Detail : null,
        }, HubJson.Default.CommandResponse);
    }

    /// <summary>Null when nothing came of it in time.</summary>
    private async ValueTask<CommandAck?> WaitAsync(WaitingCommand sent, int waitMs, CancellationToken aborted)
    {
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(aborted, stopping);
        try
        {
            return await sent.Outcome.WaitAsync(TimeSpan.FromMilliseconds(waitMs), time, giveUp.Token);
        }
        catch (Exception e) when (e is TimeoutException || (e is OperationCanceledException && stopping.IsCancellationRequested))
        {
            // Not yet: it is told as pending.
            return null;
        }
    }
}

using PoolHub.Daemon.Registry;
using PoolHub.Daemon.Storage;
using PoolHub.Protocol;
using PoolHub.Protocol.Wire;

namespace PoolHub.Daemon.Sessions;

/// <summary>
/// Commands to miners: pushed where a socket is open, else waiting until the miner asks. What is said of a command is so:
/// it is answered after what follows from it is durable, and waits on where that could not be stored.
/// </summary>
internal sealed class CommandDesk(MinerRegistry registry)
{
    /// <summary>Sends the command; its outcome comes with the miner's acknowledgement. Null when too many wait already.</summary>
    /// <param name="refused">Of a drain: takes it back when the miner refuses it.</param>
    public static WaitingCommand? Send(Session session, in Command command, Func<Task>? refused = null)
    {
        WaitingCommand? sent = session.Commands.Add(command, refused);
        if (sent is not null && session.Channel is { Live: true } channel)
        {
            channel.Send(sent.Command);
        }
        return sent;
    }

    /// <summary>
    /// Has the hub offer the miner no jobs, or offer it again, at once and whatever else waits for the miner, and tells it so.
    /// </summary>
    /// <param name="session">The miner's; null when none is open, and nobody is told.</param>
    /// <param name="command">To drain.</param>
    /// <param name="force">Whether it stays so when the miner refuses.</param>
    /// <param name="audit">Kept with it.</param>
    /// <exception cref="StoreUnavailableException">It is so, until the hub restarts.</exception>
    public async Task<WaitingCommand?> DrainAsync(Miner miner, Session? session, Command command, bool force, AuditEntry audit)
    {
        bool before = miner.Draining;
        try
        {
            await registry.SetDrainingAsync(miner, command.On, audit);
        }
        catch (StoreUnavailableException e)
        {
            throw new StoreUnavailableException(
                $"{(command.On ? "the miner drains" : "the miner is offered again")}, but until the hub restarts: it could not be stored, send it again ({e.Message})", e);
        }
        return session is null ? null : Send(session, command, force ? null : () => registry.SetDrainingAsync(miner, before));
    }

    /// <summary>Sends what was not acknowledged yet: on a socket before this one, or while the miner could not be told.</summary>
    public static void Repeat(Session session, Channel channel)
    {
        foreach (Command command in session.Commands.Waiting())
        {
            channel.Send(command);
        }
    }

    /// <summary>Takes an acknowledgement, and before anybody is told of it has what the miner accepted hold.</summary>
    /// <exception cref="StoreUnavailableException">It could not be stored. The command waits on, and may be acknowledged again.</exception>
    public async ValueTask AcknowledgeAsync(Session session, CommandAck ack)
    {
        if (!session.Commands.TryFind(ack.Id, out WaitingCommand? waiting))
        {
            return;
        }
        CommandAck outcome = ack.Accepted ? await AcceptAsync(session.Miner, waiting.Command, ack)
            : waiting.Command.Kind == CommandKind.Drain ? await RefuseDrainAsync(waiting, ack)
            : ack;
        session.Commands.Remove(waiting);
        waiting.End(outcome);
    }

    /// <summary>What the miner accepted holds at once, before it says so itself.</summary>
    private async ValueTask<CommandAck> AcceptAsync(Miner miner, Command command, CommandAck ack)
    {
        bool holds = command.Kind switch
        {
            CommandKind.SetPriceCap => await registry.ChangeProfileAsync(miner, p => p with { Price = new TokenPrice(Math.Min(p.Price.E8, command.Price.E8)) }),
            CommandKind.UpdateTags => await registry.ChangeProfileAsync(miner, p => p with { Tags = command.Tags ?? [] }),
            _ => true,
        };
        return holds ? ack : new CommandAck(ack.Id, Accepted: false, "the session ended");
    }

    private static async ValueTask<CommandAck> RefuseDrainAsync(WaitingCommand waiting, CommandAck ack)
    {
        if (waiting.Refused is not { } takeBack)
        {
            return new CommandAck(ack.Id, Accepted: true, $"by the hub, though the miner refuses {ack.Detail}".TrimEnd());
        }
        await takeBack();
        return ack;
    }
}

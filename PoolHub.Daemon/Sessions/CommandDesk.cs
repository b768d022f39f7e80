using PoolHub.Daemon.Registry;
using PoolHub.Protocol;
using PoolHub.Protocol.Wire;

namespace PoolHub.Daemon.Sessions;

/// <summary>Commands to miners: pushed where a socket is open, else waiting until the miner asks.</summary>
internal sealed class CommandDesk(MinerRegistry registry)
{
    /// <summary>Sends the command; the task ends with the miner's acknowledgement. Null when too many wait already.</summary>
    public (Command Command, Task<CommandAck> Acknowledged)? Send(Session session, in Command command)
    {
        (Command Command, Task<CommandAck> Acknowledged)? sent = session.Commands.Add(command);
        if (sent is { } pending)
        {
            if (command.Kind == CommandKind.Drain)
            {
                // Whatever the miner says: the hub stops offering it.
                registry.SetDraining(session.Miner, command.On);
            }
            if (session.Channel is { Live: true } channel)
            {
                channel.Send(pending.Command);
            }
        }
        return sent;
    }

    /// <summary>Sends what was not acknowledged yet: on a socket before this one, or while the miner could not be told.</summary>
    public static void Repeat(Session session, Channel channel)
    {
        foreach (Command command in session.Commands.Waiting())
        {
            channel.Send(command);
        }
    }

    /// <summary>Takes an acknowledgement. What the miner accepted holds at once, before it says so itself.</summary>
    /// <exception cref="Storage.StoreUnavailableException">It could not be stored.</exception>
    public async ValueTask AcknowledgeAsync(Session session, CommandAck ack)
    {
        if (session.Commands.Acknowledge(ack) is not { } command || !ack.Accepted)
        {
            return;
        }
        switch (command.Kind)
        {
            case CommandKind.SetPriceCap when session.Miner.Profile is { } profile && profile.Price.E8 > command.Price.E8:
                _ = await registry.ChangeProfileAsync(session.Miner, p => p with { Price = new TokenPrice(Math.Min(p.Price.E8, command.Price.E8)) });
                break;
            case CommandKind.UpdateTags:
                _ = await registry.ChangeProfileAsync(session.Miner, p => p with { Tags = command.Tags ?? [] });
                break;
            default:
                break;
        }
    }
}

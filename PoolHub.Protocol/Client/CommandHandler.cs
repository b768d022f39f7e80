using PoolHub.Protocol.Wire;

namespace PoolHub.Protocol.Client;

/// <summary>Answers the hub's commands, and does what the miner accepts; docs/protocol.md, "10 Command".</summary>
internal sealed class CommandHandler(IMinerTransport transport, MinerSelf self, Conversation conversation)
{
    public async ValueTask TakeAsync(ReadOnlyMemory<byte> body)
    {
        (CommandReply reply, Command command) = CommandDecision.Of(body, self.Options);
        Uri? moveTo = null;
        if (reply.Accepted && command.Kind is CommandKind.Reconnect
            && !CommandDecision.TryFindHub(command.Addr, self.Options.Hub, out moveTo, out string problem))
        {
            reply = new CommandReply(false, problem);
        }
        await transport.SendAsync(new CommandAck(command.Id, reply.Accepted, reply.Detail));
        if (!reply.Accepted)
        {
            return;
        }
        switch (command.Kind)
        {
            case CommandKind.SetPriceCap when command.Price < self.Profile.Price:
                await conversation.Reporter.SetPriceAsync(command.Price);
                break;
            case CommandKind.UpdateTags:
                self.Profile = self.Profile with { Tags = command.Tags ?? [] };
                await conversation.Reporter.RegisterAsync();
                break;
            case CommandKind.Drain:
                self.Draining = command.On;
                break;
            case CommandKind.Reconnect:
                var cause = new Ending(
                    CloseReason.Leaving, "the hub asked to reconnect", TimeSpan.FromMilliseconds(command.DelayMs), MoveTo: moveTo);
                conversation.LeaveFor(cause, "as asked");
                break;
            default:
                break;
        }
    }
}

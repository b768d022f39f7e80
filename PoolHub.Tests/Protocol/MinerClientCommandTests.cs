using PoolHub.Protocol;
using PoolHub.Protocol.Client;
using PoolHub.Protocol.Wire;

namespace PoolHub.Tests.Protocol;

/// <summary>What a miner does when the hub asks something of it.</summary>
public sealed class MinerClientCommandTests
{
    [Theory]
    [MemberData(nameof(ScriptedHub.Sockets), MemberType = typeof(ScriptedHub))]
    public async Task MinerClient_carries_out_commands_and_acknowledges_each(string socket)
    {
        await using ScriptedHub hub = await ScriptedHub.OverAsync(socket);
        await using var miner = RunningMiner.Start(hub.Address);
        HubConversation conversation = await hub.EnrolAsync();

        await conversation.SendAsync(new Command(1, CommandKind.SetPriceCap, Price: new TokenPrice(50)));
        Assert.Equal(new CommandAck(1, true, ""), await conversation.ExpectAsync<CommandAck>());
        Assert.Equal(new TokenPrice(50), (await conversation.ExpectAsync<Update>()).Price);

        await conversation.SendAsync(new Command(2, CommandKind.SetPriceCap, Price: new TokenPrice(60)));
        Assert.True((await conversation.ExpectAsync<CommandAck>()).Accepted);

        await conversation.SendAsync(new Command(3, CommandKind.UpdateTags, Tags: ["gold"]));
        Assert.True((await conversation.ExpectAsync<CommandAck>()).Accepted);
        Register register = await conversation.ExpectAsync<Register>();
        Assert.Equal(("gold", new TokenPrice(50)), (register.Profile.Tags.Single(), register.Profile.Price));

        await conversation.SendAsync(new Command(4, CommandKind.Drain, On: true));
        Assert.True((await conversation.ExpectAsync<CommandAck>()).Accepted);
        await conversation.SettleAsync();
        Assert.True(miner.Client.Draining);

        await conversation.SendAsync(new Command(5, (CommandKind)99));
        Assert.Equal(new CommandAck(5, false, "unknown command"), await conversation.ExpectAsync<CommandAck>());

        // A tag that is no text: refused by name, and the conversation goes on.
        await conversation.SendBodyAsync(Convert.FromHexString("940a0602919101"));
        CommandAck refused = await conversation.ExpectAsync<CommandAck>();
        Assert.Equal((6, false), (refused.Id, refused.Accepted));
        Assert.Contains("tags", refused.Detail, StringComparison.Ordinal);
        Assert.Equal(6, miner.Client.CommandsReceived);
    }

    [Fact]
    public async Task MinerClient_asks_its_owner_about_commands()
    {
        await using ScriptedHub hub = ScriptedHub.OverTcp();
        await using var miner = RunningMiner.Start(hub.Address, options => options with
        {
            OnCommand = command => command.Kind is CommandKind.Drain
                ? new CommandReply(false, "busy with a long job")
                : throw new InvalidOperationException("broken handler"),
        });
        HubConversation conversation = await hub.EnrolAsync();
        await conversation.SendAsync(new Command(1, CommandKind.Drain, On: true));
        Assert.Equal(new CommandAck(1, false, "busy with a long job"), await conversation.ExpectAsync<CommandAck>());
        await conversation.SendAsync(new Command(2, CommandKind.SetPriceCap));
        Assert.Equal(new CommandAck(2, false, "broken handler"), await conversation.ExpectAsync<CommandAck>());
        Assert.False(miner.Client.Draining);
    }

    [Fact]
    public async Task MinerClient_sent_elsewhere_says_goodbye_and_goes_there_after_the_delay()
    {
        await using ScriptedHub here = ScriptedHub.OverTcp();
        await using ScriptedHub there = ScriptedHub.OverTcp();
        await using var miner = RunningMiner.Start(here.Address, jitter: 0);
        HubConversation conversation = await here.EnrolAsync();
        await conversation.SendAsync(new Command(1, CommandKind.Reconnect, Addr: there.Address.Authority, DelayMs: 5_000));
        Assert.True((await conversation.ExpectAsync<CommandAck>()).Accepted);
        Assert.Equal(CloseReason.Leaving, (await conversation.ExpectAsync<Goodbye>()).Reason);
        await conversation.DisposeAsync();
        MinerStateEventArgs change = await miner.UntilAsync(MinerClientState.BackingOff);
        Assert.Equal(TimeSpan.FromSeconds(5), change.RetryIn);
        miner.Time.Advance(change.RetryIn);
        _ = await (await there.AcceptAsync()).ExpectAsync<Hello>();
    }
}

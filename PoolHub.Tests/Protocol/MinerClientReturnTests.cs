using PoolHub.Protocol;
using PoolHub.Protocol.Client;
using PoolHub.Protocol.Wire;

namespace PoolHub.Tests.Protocol;

/// <summary>When and how a miner comes back.</summary>
public sealed class MinerClientReturnTests
{
    [Fact]
    public async Task MinerClient_dropped_on_purpose_says_no_goodbye_and_comes_back()
    {
        await using ScriptedHub hub = ScriptedHub.OverTcp();
        await using var miner = RunningMiner.Start(hub.Address, jitter: 0);
        HubConversation before = await hub.EnrolAsync();
        _ = await miner.UntilAsync(MinerClientState.Online);
        miner.Client.Drop();
        await before.ExpectEndAsync();
        HubConversation after = await hub.AcceptAsync();
        Assert.Equal("token-1", (await after.ExpectAsync<Hello>()).SessionToken);
    }

    [Theory]
    [MemberData(nameof(ScriptedHub.Sockets), MemberType = typeof(ScriptedHub))]
    public async Task MinerClient_with_a_stale_token_says_hello_with_its_key_at_once(string socket)
    {
        await using ScriptedHub hub = await ScriptedHub.OverAsync(socket);
        await using var miner = RunningMiner.Start(hub.Address, options => options with { SessionToken = "old" });
        HubConversation stale = await hub.AcceptAsync();
        Assert.Equal("old", (await stale.ExpectAsync<Hello>()).SessionToken);
        await stale.SendAsync(new Goodbye(CloseReason.StaleSession, "", 0));
        HubConversation fresh = await hub.AcceptAsync();
        Assert.Equal((GoldenVectors.Key, null), await KeyAndTokenAsync(fresh));
    }

    [Fact]
    public async Task MinerClient_told_to_stay_away_does_so_for_that_long()
    {
        await using ScriptedHub hub = ScriptedHub.OverTcp();
        await using var miner = RunningMiner.Start(hub.Address, jitter: 0);
        HubConversation conversation = await hub.EnrolAsync();
        _ = await miner.UntilAsync(MinerClientState.Online);
        await conversation.SendAsync(new Goodbye(CloseReason.ShuttingDown, "upgrade", 7_000));
        MinerStateEventArgs change = await miner.UntilAsync(MinerClientState.BackingOff);
        Assert.Equal((CloseReason.ShuttingDown, "upgrade", TimeSpan.FromSeconds(7)), (change.Reason, change.Detail, change.RetryIn));
        miner.Time.Advance(TimeSpan.FromSeconds(6.999));
        Assert.Equal(MinerClientState.BackingOff, miner.Client.State);
        miner.Time.Advance(TimeSpan.FromSeconds(0.001));
        Assert.Equal("token-1", (await KeyAndTokenAsync(await hub.AcceptAsync())).Token);
    }

    [Fact]
    public async Task MinerClient_that_cannot_connect_doubles_its_pause_up_to_the_greatest()
    {
        Uri nobody;
        await using (ScriptedHub hub = ScriptedHub.OverTcp())
        {
            nobody = hub.Address;
        }
        await using var miner = RunningMiner.Start(nobody);
        foreach (double seconds in new[] { 0.5, 1, 2, 4, 8, 16, 30, 30 })
        {
            MinerStateEventArgs change = await miner.UntilAsync(MinerClientState.BackingOff);
            Assert.Equal(TimeSpan.FromSeconds(seconds), change.RetryIn);
            Assert.Contains("cannot connect", change.Detail, StringComparison.Ordinal);
            miner.Time.Advance(change.RetryIn);
        }
    }

    [Fact]
    public async Task MinerClient_replaced_by_another_does_not_hurry_back()
    {
        await using ScriptedHub hub = ScriptedHub.OverTcp();
        await using var miner = RunningMiner.Start(hub.Address);
        HubConversation conversation = await hub.EnrolAsync();
        await conversation.SendAsync(new Goodbye(CloseReason.Replaced, "", 0));
        Assert.Equal(TimeSpan.FromSeconds(30), (await miner.UntilAsync(MinerClientState.BackingOff)).RetryIn);
    }

    private static async Task<(string? Key, string? Token)> KeyAndTokenAsync(HubConversation conversation)
    {
        Hello hello = await conversation.ExpectAsync<Hello>();
        return (hello.ApiKey, hello.SessionToken);
    }
}

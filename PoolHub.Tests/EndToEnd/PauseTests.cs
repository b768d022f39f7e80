using PoolHub.Protocol.Wire;
using PoolHub.Tests.Protocol;

namespace PoolHub.Tests.EndToEnd;

/// <summary>SIGSTOP: the hub does not run, while its miners go on.</summary>
public sealed class PauseTests
{
    private static readonly TimeSpan s_beat = TimeSpan.FromMilliseconds(500);

    [Theory]
    [InlineData(3)]
    [InlineData(60)]
    public async Task Hub_that_was_stopped_for_longer_than_a_grace_loses_nobody(int fleet)
    {
        await using HubProcess hub = await HubProcess.StartAsync(
            ("SESSION_TTL_SEC", "2"), ("HEARTBEAT_GRACE_SEC", "3"), ("MASS_LOSS_GUARD_SEC", "0"));
        HubConversation[] miners = await Task.WhenAll(Enumerable.Range(0, fleet).Select(async i =>
        {
            HubConversation miner = await MinerConversation.OverTcpAsync(hub);
            _ = await miner.GreetAsync($"rig-{i}", Samples.KeyOf($"rig-{i}"));
            return miner;
        }));
        long[] epochs = await Task.WhenAll(miners.Select(async (_, i) => (await hub.MinerAsync($"rig-{i}")).Epoch));
        long seq = 0;
        await BeatAsync(4);

        hub.Process.Send(Signal.Stop);
        await using HubConversation late = await MinerConversation.OverTcpAsync(hub);
        await late.SendAsync(new Hello(1, [], "late", Samples.KeyOf("late"), null));
        await BeatAsync(12);
        hub.Process.Send(Signal.Continue);

        Assert.False((await late.ExpectAsync<Welcome>()).Resumed);
        await late.SendAsync(new Register(Samples.Profile()));
        _ = await late.ExpectPastPingsAsync<Registered>();
        for (int i = 0; i < 6; i++)
        {
            await BeatAsync(1);
            await late.SendAsync(new Heartbeat(seq, 0, 0, null, null, null));
            Assert.Equal(fleet + 1, (await hub.MatchAsync()).Candidates.Length);
        }
        Assert.Equal(epochs, await Task.WhenAll(miners.Select(async (_, i) => (await hub.MinerAsync($"rig-{i}")).Epoch)));
        foreach (HubConversation miner in miners)
        {
            // Whatever else came before would fail it.
            while ((await miner.ExpectPastPingsAsync<HeartbeatAck>()).Seq < seq)
            {
            }
            await miner.DisposeAsync();
        }
        Assert.DoesNotContain(hub.Log, line => line.Contains("is offline", StringComparison.Ordinal));
        Assert.Contains(hub.Log, line => line.StartsWith("warn: the hub stood still for ", StringComparison.Ordinal));

        async Task BeatAsync(int times)
        {
            for (int i = 0; i < times; i++)
            {
                seq++;
                foreach (HubConversation miner in miners)
                {
                    await miner.SendAsync(new Heartbeat(seq, 0, 0, null, null, null));
                }
                await Task.Delay(s_beat, TestContext.Current.CancellationToken);
            }
        }
    }
}

using PoolHub.Daemon.Matching;
using PoolHub.Daemon.Registry;
using PoolHub.Daemon.Sessions;
using PoolHub.Protocol;
using PoolHub.Protocol.Http;
using PoolHub.Protocol.Wire;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Sessions;

/// <summary>Many miners that behave well and badly at once, while the hub matches and sweeps.</summary>
public sealed class ConversationStressTests
{
    private const int Talkers = 4;
    private const int Ids = 12;
    private const int ConversationsEach = 60;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Counts_agree_after_random_conversations(int seed)
    {
        await using var hub = new HubParts(new RegistryOptions(FlapLimitPerMin: 0));
        using var done = new CancellationTokenSource();
        Task watching = Task.Run(() => Watch(hub, done.Token), CancellationToken.None);
        await Task.WhenAll(Enumerable.Range(0, Talkers).Select(
            t => Task.Run(() => TalkAsync(hub, new Random((seed * 100) + t)), CancellationToken.None)));
        await done.CancelAsync();
        await watching;
        hub.Sweep.Sweep();
        Assert.Equal(0, hub.Conversations.Count);
        AssertAgreed(hub);
        // After the grace nobody is left, and no session, though every socket had gone.
        hub.Time.Advance(TimeSpan.FromSeconds(120));
        hub.Sweep.Sweep();
        AssertAgreed(hub);
        Assert.Equal(0, hub.Index.Count);
        int[] sessions = new int[3];
        hub.Table.CountByTransport(sessions);
        Assert.Equal([0, 0, 0], sessions);
    }

    private static void AssertAgreed(HubParts hub)
    {
        Assert.Equal(hub.Index.Count, hub.Registry.OnlineCount + hub.Registry.DegradedCount);
        Miner[] offered = [.. hub.Registry.After(null).Where(m => m.State != LeaseState.Offline)];
        Assert.Equal(hub.Index.Count, offered.Length);
        Assert.Equal(offered.Length, offered.Select(m => m.Slot).Distinct().Count());
        foreach (Miner miner in hub.Registry.After(null))
        {
            // Whoever is offline has no slot; whoever has a session is known by it.
            Assert.Equal(miner.State == LeaseState.Offline, miner.Slot == Miner.NoSlot);
            Session? session = hub.Table.Find(miner.Id);
            Assert.True(session is null || session is { IsCurrent: true, Channel: null }, $"{miner.Id} has a session that is over");
        }
    }

    private static void Watch(HubParts hub, CancellationToken done)
    {
        var result = new MatchResult();
        Assert.True(MatchQuery.TryCreate(new MatchRequest { JobId = "j", TopK = 100 }, WeightProfiles.BuiltIn, out MatchQuery? query, out _));
        while (!done.IsCancellationRequested)
        {
            hub.Time.Advance(TimeSpan.FromMilliseconds(5));
            hub.Sweep.Sweep();
            hub.Index.Match(query, result);
        }
    }

    private static async Task TalkAsync(HubParts hub, Random random)
    {
        for (int i = 0; i < ConversationsEach; i++)
        {
            string id = $"m{random.Next(Ids)}";
            PipeMiner miner = hub.Connect();
            miner.Send(new Hello(1, [], id, random.Next(10) == 0 ? "a-key-that-is-wrong" : Samples.OwnKey, null));
            if (await miner.ReceiveAsync() is Welcome welcome && random.Next(8) > 0)
            {
                await SendAsync(miner, TcpMiner.FrameOf(new Register(Samples.Profile)));
                if (random.Next(3) == 0)
                {
                    await miner.BreakAsync();
                    miner = hub.Connect();
                    miner.Send(new Hello(1, [], id, null, welcome.SessionToken));
                }
                for (int n = random.Next(20); n > 0; n--)
                {
                    await SendAsync(miner, Any(random, n));
                }
            }
            await miner.BreakAsync();
        }
    }

    /// <summary>The hub may be at its store, and then takes it later.</summary>
    private static async Task SendAsync(PipeMiner miner, byte[] bytes)
    {
        await miner.SendRawAsync(bytes);
        _ = miner.Drain();
    }

    private static byte[] Any(Random random, int seq)
    {
        switch (random.Next(12))
        {
            case 0:
                byte[] garbage = new byte[random.Next(1, 60)];
                random.NextBytes(garbage);
                return TcpMiner.FrameOf(garbage);
            case 1:
                return TcpMiner.FrameOf(new Goodbye(CloseReason.Leaving, "", 0));
            case 2:
                return TcpMiner.FrameOf(new Register(Samples.Profile with { MaxParallel = random.Next(0, 9) }));
            case 3:
                return TcpMiner.FrameOf(new Update(random.Next(9), false, ["j"], new TokenPrice(random.Next(9))));
            case 4:
                return TcpMiner.FrameOf(new CommandAck(random.Next(3), true, ""));
            case 5:
                return TcpMiner.FrameOf([0x91, (byte)random.Next(0x80)]);
            default:
                return TcpMiner.FrameOf(TcpMiner.HeartbeatOf(seq, random.Next(-1, 9)));
        }
    }
}

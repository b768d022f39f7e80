using PoolHub.Daemon.Gateway;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Gateway;

public sealed class MemoryTrimTests
{
    [Theory]
    [InlineData(50, 1)]
    [InlineData(25, 0)]
    public async Task Memory_is_given_back_once_when_a_crowd_is_over_and_not_for_the_usual_coming_and_going(int inOneSweep, int times)
    {
        await using TestHub hub = await TestHub.StartAsync(("FRAME_RATE_LIMIT", "0"));
        int collected = 0;
        var trim = new MemoryTrim(hub.Hub.Gate, () => collected++);
        for (int i = 1; i <= 260; i++)
        {
            await using TcpMiner miner = await TcpMiner.ConnectAsync(hub.Hub.TcpEndPoint);
            await miner.SendRawAsync([0, 0, 0, 0]);
            await miner.ExpectGoodbyeAsync(PoolHub.Protocol.CloseReason.Malformed);
            hub.Time.Advance(TimeSpan.FromSeconds(1));
            if (i % inOneSweep == 0)
            {
                trim.Sweep();
            }
        }
        trim.Sweep();
        Assert.Equal(0, collected);
        for (int i = 0; i < 20; i++)
        {
            trim.Sweep();
        }
        Assert.Equal(times, collected);
    }
}

using PoolHub.Daemon.Operations;

namespace PoolHub.Tests.Operations;

public sealed class YoungGarbageTests
{
    [Theory]
    [InlineData(0, 0)]
    [InlineData(100_000, 1)]
    [InlineData(1 << 20, 6)]
    public void Collection_comes_every_10_s_when_4_MB_were_allocated_since(int bytesASweep, int times)
    {
        long allocated = 0;
        int collected = 0;
        var garbage = new YoungGarbage(() => allocated, () => collected++);
        for (int i = 0; i < 60; i++)
        {
            allocated += bytesASweep;
            garbage.Sweep();
        }
        Assert.Equal(times, collected);
    }
}

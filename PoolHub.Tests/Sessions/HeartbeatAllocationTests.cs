using PoolHub.Tests.Support;

namespace PoolHub.Tests.Sessions;

/// <summary>The budget of docs/architecture.md: a heartbeat costs no allocation.</summary>
public sealed class HeartbeatAllocationTests
{
    private const int Heartbeats = 10_000;

    [Fact]
    public async Task Heartbeat_on_a_warm_session_allocates_nothing()
    {
        await using var hub = new HubParts();
        PipeMiner miner = await hub.EnrolAsync("m");
        byte[] frame = TcpMiner.FrameOf(new PoolHub.Protocol.Wire.Heartbeat(1, 1, 2, 120, 61, 7.5));
        // From the frame in the pipe through the door, the registry and the index to the acknowledgement.
        Beat(miner, frame, Heartbeats);
        // A collection between takes buffers out of their pools, and they are made anew; so the least of a few counts.
        Assert.Equal(0, Enumerable.Range(0, 5).Min(_ => Allocated(() => Beat(miner, frame, Heartbeats))));
    }

    private static long Allocated(Action action)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        action();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private static void Beat(PipeMiner miner, byte[] frame, int times)
    {
        for (int i = 0; i < times; i++)
        {
            miner.SendRaw(frame);
            if (miner.Drain() == 0)
            {
                throw new InvalidOperationException("a heartbeat was not acknowledged");
            }
        }
    }
}

using System.IO.Pipelines;
using System.Threading.Tasks.Sources;
using PoolHub.Daemon.Gateway;
using PoolHub.Daemon.Sessions;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Gateway;

public sealed class CountedStreamTests
{
    private const int Reads = 10_000;

    /// <summary>The budget of docs/architecture.md: a heartbeat costs no allocation.</summary>
    [Fact]
    public async Task Read_that_waits_allocates_nothing()
    {
        await using var hub = new HubParts();
        Channel channel = hub.Conversations.Open(Transport.WebSocket, new Pipe().Writer, completes: true, () => { }).Channel;
        using var source = new LateStream();
        using var counted = new CountedStream(source, channel);
        // In a thread of the pool, where what waits goes on at once.
        long least = await Task.Run(() =>
        {
            Read(counted, source);
            return Enumerable.Range(0, 5).Min(_ => Allocated(() => Read(counted, source)));
        });
        Assert.Equal(0, least);
    }

    private static void Read(CountedStream counted, LateStream source)
    {
        byte[] buffer = source.Buffer;
        for (int i = 0; i < Reads; i++)
        {
            ValueTask<int> read = counted.ReadAsync(buffer);
            if (read.IsCompleted)
            {
                throw new InvalidOperationException("it did not wait");
            }
            source.Arrive(6);
            if (!read.IsCompletedSuccessfully || read.Result != 6)
            {
                throw new InvalidOperationException("nothing was read");
            }
        }
    }

    private static long Allocated(Action action)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        action();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    /// <summary>Every read waits until something arrives.</summary>
    private sealed class LateStream : MemoryStream, IValueTaskSource<int>
    {
        private ManualResetValueTaskSourceCore<int> _read;

        /// <summary>A frame with a mask and nothing else.</summary>
        public byte[] Buffer { get; } = [0x89, 0x80, 0, 0, 0, 0];

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            _read.Reset();
            return new ValueTask<int>(this, _read.Version);
        }

        public void Arrive(int count) => _read.SetResult(count);

        int IValueTaskSource<int>.GetResult(short token) => _read.GetResult(token);

        ValueTaskSourceStatus IValueTaskSource<int>.GetStatus(short token) => _read.GetStatus(token);

        void IValueTaskSource<int>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
            _read.OnCompleted(continuation, state, token, flags);
    }
}

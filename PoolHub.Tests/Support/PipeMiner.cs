using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using PoolHub.Daemon.Gateway;
using PoolHub.Protocol;
using PoolHub.Protocol.Wire;
using PoolHub.Tests.Protocol;

namespace PoolHub.Tests.Support;

/// <summary>
/// A miner over a pipe in place of a TCP socket. What it sends the hub has taken when the call returns, unless it waits
/// for its store.
/// </summary>
internal sealed class PipeMiner
{
    private static readonly PipeOptions Inline = new(
        readerScheduler: PipeScheduler.Inline, writerScheduler: PipeScheduler.Inline, useSynchronizationContext: false);

    private readonly Pipe _toHub = new(Inline);
    private readonly Pipe _fromHub = new(Inline);

    public PipeMiner(TcpDoor door) => Served = door.OnConnectedAsync(new PipeConnection(_toHub, _fromHub));

    /// <summary>Ends when the hub is done with the connection.</summary>
    public Task Served { get; }

    public string Token { get; private set; } = "";

    public void Send<T>(T message)
        where T : struct, IMessage<T> => SendRaw(TcpMiner.FrameOf(message));

    public void SendBody(params byte[] body) => SendRaw(TcpMiner.FrameOf(body));

    /// <summary>Allocates nothing when nothing is thrown.</summary>
    public void SendRaw(ReadOnlySpan<byte> bytes)
    {
        _toHub.Writer.Write(bytes);
        ValueTask<FlushResult> flushed = _toHub.Writer.FlushAsync();
        if (!flushed.IsCompletedSuccessfully)
        {
            throw new InvalidOperationException("the hub has stopped reading");
        }
        _ = flushed.Result;
    }

    /// <summary>For when the hub may be busy with what was sent before.</summary>
    public async Task SendRawAsync(byte[] bytes) => _ = await _toHub.Writer.WriteAsync(bytes).AsTask().WaitAsync(TestHub.Patience);

    public async Task EnrolAsync(string minerId)
    {
        Send(new Hello(1, [], minerId, Samples.OwnKey, null));
        Token = (await ExpectAsync<Welcome>()).SessionToken;
        Send(new Register(Samples.Profile));
        _ = await ExpectAsync<Registered>();
    }

    /// <summary>The next message, which must be of this type. Pings are passed over where none is asked for.</summary>
    public async Task<T> ExpectAsync<T>()
        where T : struct, IMessage<T>
    {
        while (true)
        {
            object? message = await ReceiveAsync();
            if (message is not Ping || typeof(T) == typeof(Ping))
            {
                return message is T wanted ? wanted : throw new InvalidOperationException($"{message ?? "the end"} in place of {T.Number}");
            }
        }
    }

    public async Task ExpectGoodbyeAsync(CloseReason reason) => Assert.Equal(reason, (await ExpectAsync<Goodbye>()).Reason);

    /// <summary>The next message; null at the end.</summary>
    public async Task<object?> ReceiveAsync()
    {
        while (true)
        {
            ReadResult read = await _fromHub.Reader.ReadAsync().AsTask().WaitAsync(TestHub.Patience);
            ReadOnlySequence<byte> buffer = read.Buffer;
            if (Frame.TryRead(ref buffer, out ReadOnlySequence<byte> body) == FrameStatus.Done)
            {
                (object? message, _, string? problem) = AnyMessage.Read(body.ToArray());
                Assert.Null(problem);
                _fromHub.Reader.AdvanceTo(buffer.Start);
                return message;
            }
            _fromHub.Reader.AdvanceTo(buffer.Start, buffer.End);
            if (read.IsCompleted)
            {
                return null;
            }
        }
    }

    /// <summary>What has come and was not read.</summary>
    public byte[] Take()
    {
        if (!_fromHub.Reader.TryRead(out ReadResult read))
        {
            return [];
        }
        byte[] bytes = read.Buffer.ToArray();
        _fromHub.Reader.AdvanceTo(read.Buffer.End);
        return bytes;
    }

    /// <summary>Throws away what has come, and returns how many bytes it was.</summary>
    public long Drain()
    {
        long bytes = 0;
        while (_fromHub.Reader.TryRead(out ReadResult read) && read.Buffer.Length > 0)
        {
            bytes += read.Buffer.Length;
            _fromHub.Reader.AdvanceTo(read.Buffer.End);
        }
        return bytes;
    }

    /// <summary>Nothing has come that was not read.</summary>
    public void ExpectSilence() => Assert.Equal(0, Drain());

    /// <summary>The connection breaks.</summary>
    public async Task BreakAsync()
    {
        await _toHub.Writer.CompleteAsync();
        await Served.WaitAsync(TestHub.Patience);
    }

    private sealed class PipeConnection : DefaultConnectionContext
    {
        private readonly Pipe _toHub;

        public PipeConnection(Pipe toHub, Pipe fromHub)
        {
            _toHub = toHub;
            Transport = new Duplex(toHub.Reader, fromHub.Writer);
        }

        public override void Abort(ConnectionAbortedException abortReason) => _toHub.Writer.Complete(abortReason);
    }

    private sealed record Duplex(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}

using System.Buffers;
using System.Buffers.Binary;
using PoolHub.Benchmarks.Fleets;
using PoolHub.Protocol;
using PoolHub.Protocol.Wire;

namespace PoolHub.Benchmarks.Children;

/// <summary>A miner's connection that sends heartbeats in blocks which were encoded before, and counts what is acknowledged.</summary>
internal sealed class MinerSocket : PipelinedSocket
{
    /// <summary>A number as long as every other that follows: it can be written over in place.</summary>
    private const long FirstSeq = 1L << 33;

    /// <summary>Length, array, message number, and the mark of a number of 8 bytes stand before it.</summary>
    private const int SeqOffset = Frame.PrefixBytes + 3;

    private readonly FleetMiner _miner;
    private readonly int[] _frames;
    private long _next = FirstSeq;

    private MinerSocket(int port, FleetMiner miner, byte[] block, int[] frames)
        : base(port, block, frames.Length) => (_miner, _frames) = (miner, frames);

    /// <summary>Connects and says hello; <see cref="Register"/> has to follow.</summary>
    /// <param name="beatsTogether">Heartbeats in a block.</param>
    public static MinerSocket Connect(int port, FleetMiner miner, int beatsTogether)
    {
        (byte[] block, int[] frames) = Encode(miner, beatsTogether);
        var connection = new MinerSocket(port, miner, block, frames);
        connection.Say(new Hello(Limits.ProtocolVersion, [], miner.Id, MinerKey.Create(), null));
        return connection;
    }

    public void Register()
    {
        Await(MessageNumber.Welcome);
        Say(new Register(_miner.Profile));
    }

    /// <summary>From here on it is the hub's, and never waits.</summary>
    public void Begin()
    {
        Await(MessageNumber.Registered);
        BeginPipeline();
    }

    protected override void Renew(Span<byte> block)
    {
        foreach (int frame in _frames)
        {
            BinaryPrimitives.WriteInt64BigEndian(block[(frame + SeqOffset)..], _next++);
        }
    }

    protected override int Take(ReadOnlySpan<byte> received)
    {
        int at = 0;
        while (received.Length >= at + Frame.PrefixBytes)
        {
            int end = at + Frame.PrefixBytes + BinaryPrimitives.ReadInt32BigEndian(received[at..]);
            if (received.Length < end)
            {
                break;
            }
            ReadOnlySpan<byte> body = received[(at + Frame.PrefixBytes)..end];
            at = end;
            if (!MessageReader.TryOpen(body, out int number, out MessageReader reader))
            {
                throw new InvalidDataException("the hub sent no message");
            }
            switch ((MessageNumber)number)
            {
                case MessageNumber.HeartbeatAck:
                    Acknowledged = HeartbeatAck.Read(ref reader).Seq - FirstSeq + 1;
                    break;
                case MessageNumber.Goodbye or MessageNumber.Error:
                    throw new InvalidDataException($"the hub said {(MessageNumber)number}");
                default:
                    // A ping is left open: the round trip stays unknown.
                    break;
            }
        }
        return at;
    }

    private static (byte[] Block, int[] Frames) Encode(FleetMiner miner, int count)
    {
        var random = new Random(miner.Id.GetHashCode(StringComparison.Ordinal));
        var block = new ArrayBufferWriter<byte>();
        int[] frames = new int[count];
        for (int i = 0; i < count; i++)
        {
            frames[i] = block.WrittenCount;
            Frame.Write(block, new Heartbeat(
                FirstSeq, 1_760_000_000_000 + (i * 15_000L), random.Next(miner.Profile.MaxParallel), random.Next(200, 2_000),
                random.Next(50, 80), random.Next(4, 160) / 2.0));
        }
        return (block.WrittenSpan.ToArray(), frames);
    }

    private void Say<T>(in T message)
        where T : struct, IMessage<T>
    {
        var frame = new ArrayBufferWriter<byte>();
        Frame.Write(frame, message);
        _ = Socket.Send(frame.WrittenSpan);
    }

    private void Await(MessageNumber expected)
    {
        byte[] prefix = new byte[Frame.PrefixBytes];
        ReceiveExactly(prefix);
        byte[] body = new byte[BinaryPrimitives.ReadInt32BigEndian(prefix)];
        ReceiveExactly(body);
        if (!MessageReader.TryOpen(body, out int number, out _) || number != (int)expected)
        {
            throw new InvalidDataException($"the hub said {(MessageNumber)number} in place of {expected}");
        }
    }

    private void ReceiveExactly(Span<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            int read = Socket.Receive(bytes);
            bytes = read > 0 ? bytes[read..] : throw new IOException("the hub closed the socket");
        }
    }
}

using System.Text;

namespace PoolHub.Benchmarks.Children;

/// <summary>The same heartbeats as HSETs of one key.</summary>
internal sealed class RedisSocket : PipelinedSocket
{
    private RedisSocket(int port, byte[] block, int commands)
        : base(port, block, commands)
    {
    }

    public static RedisSocket Connect(int port, string minerId, int commands)
    {
        var random = new Random(minerId.GetHashCode(StringComparison.Ordinal));
        byte[] block = [.. Enumerable.Range(0, commands).SelectMany(i => RedisDialect.Command(
            "HSET", minerId, "seq", $"{i + 1}", "ts_ms", $"{1_760_000_000_000 + (i * 15_000L)}", "queue_len", $"{random.Next(8)}",
            "avg_latency_ms", $"{random.Next(200, 2_000)}", "temp_c", $"{random.Next(50, 80)}", "mem_free_gb", $"{random.Next(4, 160) / 2.0}"))];
        var connection = new RedisSocket(port, block, commands);
        connection.BeginPipeline();
        return connection;
    }

    protected override void Renew(Span<byte> block)
    {
        // The values may repeat: the server parses and stores them all the same.
    }

    protected override int Take(ReadOnlySpan<byte> received)
    {
        if (received[0] == (byte)'-')
        {
            throw new InvalidDataException(Encoding.UTF8.GetString(received));
        }
        // Every answer is a number and one line.
        Acknowledged += received.Count((byte)'\n');
        return received.Length;
    }
}

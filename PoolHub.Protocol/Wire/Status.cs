using MessagePack;

namespace PoolHub.Protocol.Wire;

/// <summary>docs/protocol.md, "5 Heartbeat": renews the lease and says how busy the miner is.</summary>
/// <param name="Seq">Counts the miner's heartbeats in this conversation; comes back in the acknowledgement.</param>
/// <param name="TsMs">The miner's clock, Unix milliseconds; informative only.</param>
/// <param name="QueueLen">Jobs that run or wait on the miner.</param>
/// <param name="AvgLatencyMs">The miner's own claim of its mean job latency; null when it does not say.</param>
/// <param name="TempC">The hottest GPU, degrees Celsius.</param>
/// <param name="MemFreeGb">Free GPU memory, GB.</param>
public readonly record struct Heartbeat(
    long Seq, long TsMs, int QueueLen, int? AvgLatencyMs, int? TempC, double? MemFreeGb) : IMessage<Heartbeat>
{
    /// <inheritdoc/>
    public static MessageNumber Number => MessageNumber.Heartbeat;

    /// <inheritdoc/>
    public static Heartbeat Read(ref MessageReader reader) => new(
        reader.Integer("seq", 0, long.MaxValue),
        reader.Integer("ts_ms", 0, long.MaxValue),
        reader.Int32("queue_len", 0, Limits.MaxQueueLen),
        reader.Absent() ? null : reader.Int32("avg_latency_ms", 0, Limits.MaxLatencyMs),
        reader.Absent() ? null : reader.Int32("temp_c", Limits.MinTempC, Limits.MaxTempC),
        reader.Absent() ? null : reader.Number("mem_free_gb", 0, Limits.MaxRamGb));

    /// <inheritdoc/>
    public void Write(ref MessagePackWriter writer)
    {
        writer.WriteArrayHeader(7);
        writer.Write((int)Number);
        writer.Write(Seq);
        writer.Write(TsMs);
        writer.Write(QueueLen);
        writer.WriteOptional(AvgLatencyMs);
        writer.WriteOptional(TempC);
        writer.WriteOptional(MemFreeGb);
    }
}

/// <summary>
/// docs/protocol.md, "6 HeartbeatAck": every heartbeat up to <paramref name="Seq"/> was applied. Cumulative: heartbeats
/// that arrive together are answered together.
/// </summary>
/// <param name="NextHeartbeatSec">Seconds until the hub wants the next one.</param>
public readonly record struct HeartbeatAck(long Seq, int NextHeartbeatSec) : IMessage<HeartbeatAck>
{
    /// <inheritdoc/>
    public static MessageNumber Number => MessageNumber.HeartbeatAck;

    /// <inheritdoc/>
    public static HeartbeatAck Read(ref MessageReader reader) => new(
        reader.Integer("seq", 0, long.MaxValue),
        reader.Int32("next_heartbeat_sec", 1, int.MaxValue));

    /// <inheritdoc/>
    public void Write(ref MessagePackWriter writer)
    {
        writer.WriteArrayHeader(3);
        writer.Write((int)Number);
        writer.Write(Seq);
        writer.Write(NextHeartbeatSec);
    }
}

/// <summary>docs/protocol.md, "7 Update": the miner's jobs or price changed; renews the lease like a heartbeat.</summary>
/// <param name="Busy">True counts as at least one job, also when the queue is empty.</param>
/// <param name="CurrentJobs">The ids of the jobs that run now.</param>
/// <param name="Price">The new price, or null when it stays.</param>
public readonly record struct Update(int QueueLen, bool Busy, string[] CurrentJobs, TokenPrice? Price) : IMessage<Update>
{
    /// <inheritdoc/>
    public static MessageNumber Number => MessageNumber.Update;

    /// <inheritdoc/>
    public static Update Read(ref MessageReader reader) => new(
        reader.Int32("queue_len", 0, Limits.MaxQueueLen),
        reader.Bool("busy"),
        reader.TextList("current_jobs", Limits.MaxCurrentJobs, Limits.JobIdChars),
        reader.Absent() ? null : new TokenPrice(reader.Integer("price_e8", 0, TokenPrice.Max.E8)));

    /// <inheritdoc/>
    public void Write(ref MessagePackWriter writer)
    {
        writer.WriteArrayHeader(5);
        writer.Write((int)Number);
        writer.Write(QueueLen);
        writer.Write(Busy);
        writer.WriteTextList(CurrentJobs);
        writer.WriteOptional(Price?.E8);
    }
}

/// <summary>docs/protocol.md, "8 Ping": the hub measures the round trip; answer at once with the same nonce.</summary>
public readonly record struct Ping(long Nonce) : IMessage<Ping>
{
    /// <inheritdoc/>
    public static MessageNumber Number => MessageNumber.Ping;

    /// <inheritdoc/>
    public static Ping Read(ref MessageReader reader) => new(reader.Integer("nonce", long.MinValue, long.MaxValue));

    /// <inheritdoc/>
    public void Write(ref MessagePackWriter writer)
    {
        writer.WriteArrayHeader(2);
        writer.Write((int)Number);
        writer.Write(Nonce);
    }
}

/// <summary>docs/protocol.md, "9 Pong": the answer to a ping. A pong is no heartbeat.</summary>
public readonly record struct Pong(long Nonce) : IMessage<Pong>
{
    /// <inheritdoc/>
    public static MessageNumber Number => MessageNumber.Pong;

    /// <inheritdoc/>
    public static Pong Read(ref MessageReader reader) => new(reader.Integer("nonce", long.MinValue, long.MaxValue));

    /// <inheritdoc/>
    public void Write(ref MessagePackWriter writer)
    {
        writer.WriteArrayHeader(2);
        writer.Write((int)Number);
        writer.Write(Nonce);
    }
}

internal static class MessagePackWriterOptionals
{
    public static void WriteOptional(this ref MessagePackWriter writer, long? value)
    {
        if (value is { } some)
        {
            writer.Write(some);
        }
        else
        {
            writer.WriteNil();
        }
    }

    public static void WriteOptional(this ref MessagePackWriter writer, double? value)
    {
        if (value is { } some)
        {
            writer.Write(some);
        }
        else
        {
            writer.WriteNil();
        }
    }
}

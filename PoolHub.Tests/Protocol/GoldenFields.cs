using System.Text.Json;
using System.Text.Json.Nodes;
using PoolHub.Protocol.Wire;

namespace PoolHub.Tests.Protocol;

/// <summary>A message as other languages see it in golden-vectors.json.</summary>
internal static class GoldenFields
{
    /// <summary>The fields by their names in docs/protocol.md, in wire order.</summary>
    public static JsonObject Of(object message) => message switch
    {
        Hello it => new JsonObject
        {
            ["version"] = it.Version,
            ["features"] = List(it.Features),
            ["miner_id"] = it.MinerId,
            ["api_key"] = it.ApiKey,
            ["session_token"] = it.SessionToken,
        },
        Welcome it => new JsonObject
        {
            ["version"] = it.Version,
            ["features"] = List(it.Features),
            ["session_token"] = it.SessionToken,
            ["epoch"] = it.Epoch,
            ["lease_ttl_sec"] = it.LeaseTtlSec,
            ["next_heartbeat_sec"] = it.NextHeartbeatSec,
            ["resumed"] = it.Resumed,
        },
        Register { Profile: var it } => new JsonObject
        {
            ["addr"] = it.Addr,
            ["proto"] = it.Proto,
            ["gpu_name"] = it.GpuName,
            ["gpu_vram_gb"] = Float(it.GpuVramGb),
            ["cpu_cores"] = it.CpuCores,
            ["ram_gb"] = Float(it.RamGb),
            ["price_e8"] = it.Price.E8,
            ["max_parallel"] = it.MaxParallel,
            ["region"] = it.Region,
            ["accel"] = List(it.Accel),
            ["tags"] = List(it.Tags),
            ["capabilities"] = List(it.Capabilities),
            ["owner"] = it.Owner,
        },
        Registered it => new JsonObject
        {
            ["lease_ttl_sec"] = it.LeaseTtlSec,
            ["next_heartbeat_sec"] = it.NextHeartbeatSec,
        },
        Heartbeat it => new JsonObject
        {
            ["seq"] = it.Seq,
            ["ts_ms"] = it.TsMs,
            ["queue_len"] = it.QueueLen,
            ["avg_latency_ms"] = it.AvgLatencyMs,
            ["temp_c"] = it.TempC,
            ["mem_free_gb"] = it.MemFreeGb is { } free ? Float(free) : null,
        },
        HeartbeatAck it => new JsonObject { ["seq"] = it.Seq, ["next_heartbeat_sec"] = it.NextHeartbeatSec },
        Update it => new JsonObject
        {
            ["queue_len"] = it.QueueLen,
            ["busy"] = it.Busy,
            ["current_jobs"] = List(it.CurrentJobs),
            ["price_e8"] = it.Price?.E8,
        },
        Ping it => new JsonObject { ["nonce"] = it.Nonce },
        Pong it => new JsonObject { ["nonce"] = it.Nonce },
        Command it => CommandFields(it),
        CommandAck it => new JsonObject { ["command_id"] = it.Id, ["accepted"] = it.Accepted, ["detail"] = it.Detail },
        Goodbye it => new JsonObject
        {
            ["code"] = (int)it.Reason,
            ["detail"] = it.Detail,
            ["retry_after_ms"] = it.RetryAfterMs,
        },
        Error it => new JsonObject
        {
            ["code"] = (int)it.Code,
            ["in_reply_to"] = it.InReplyTo,
            ["field"] = it.Field,
            ["detail"] = it.Detail,
        },
        _ => throw new ArgumentException($"{message.GetType()} is no message", nameof(message)),
    };

    private static JsonObject CommandFields(Command it) => new()
    {
        ["command_id"] = it.Id,
        ["kind"] = (int)it.Kind,
        ["arguments"] = it.Kind switch
        {
            CommandKind.SetPriceCap => new JsonObject { ["price_e8"] = it.Price.E8 },
            CommandKind.UpdateTags => new JsonObject { ["tags"] = List(it.Tags ?? []) },
            CommandKind.Drain => new JsonObject { ["on"] = it.On },
            CommandKind.Reconnect => new JsonObject { ["addr"] = it.Addr, ["delay_ms"] = it.DelayMs },
            _ => [],
        },
    };

    private static JsonArray List(string[] texts) => [.. texts.Select(text => (JsonNode)text)];

    /// <summary>With a fraction even when it is whole: other languages tell floats from integers by it.</summary>
    private static JsonNode Float(double value) =>
        JsonNode.Parse(double.IsInteger(value) ? $"{value:0}.0" : JsonSerializer.Serialize(value))!;
}

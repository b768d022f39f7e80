using System.Text.Json.Serialization;
using PoolHub.Protocol;
using PoolHub.Protocol.Http;
using PoolHub.Protocol.Wire;

namespace PoolHub.Daemon.Sessions;

/// <summary>Any text from a miner; which fields count depends on its type.</summary>
internal sealed record TextMessage
{
    /// <summary>Null when the text has none: then it is a heartbeat.</summary>
    public string? Type { get; init; }
    public double? Ts { get; init; }
    public long? Seq { get; init; }
    public int? QueueLen { get; init; }
    public int? AvgLatencyMs { get; init; }
    public int? TempC { get; init; }
    public double? MemFreeGb { get; init; }
    public bool? Busy { get; init; }
    public string[]? CurrentJobs { get; init; }
    public TokenPrice? PriceTokenPerKsec { get; init; }
    public long? Nonce { get; init; }
    public long? CommandId { get; init; }
    public bool? Accepted { get; init; }
    public string? Detail { get; init; }
    public string? Code { get; init; }

    /// <summary>The binary message that it stands for; zero when there is none.</summary>
    [JsonIgnore]
    public MessageNumber Number => Type switch
    {
        null or "heartbeat" => MessageNumber.Heartbeat,
        "update" => MessageNumber.Update,
        "pong" => MessageNumber.Pong,
        "command_ack" => MessageNumber.CommandAck,
        "goodbye" => MessageNumber.Goodbye,
        _ => 0,
    };

    /// <summary>The first field that its type needs and that is missing or out of its limits; null when all is well.</summary>
    public (string Field, string Problem)? FindProblem() => Number switch
    {
        MessageNumber.Heartbeat when Seq < 0 => ("seq", "must be 0 or more"),
        MessageNumber.Heartbeat => StatusReport.FindProblem(this),
        MessageNumber.Update when Busy is null => ("busy", "is missing"),
        MessageNumber.Update => StatusReport.FindProblem(this),
        MessageNumber.Pong when Nonce is null => ("nonce", "is missing"),
        MessageNumber.CommandAck when CommandId is null => ("command_id", "is missing"),
        MessageNumber.CommandAck when Accepted is null => ("accepted", "is missing"),
        MessageNumber.CommandAck when !StatusReport.IsDetail(Detail) => ("detail", $"must be at most {Limits.DetailChars} printable characters"),
        _ => null,
    };
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, Converters = [typeof(TokenPriceConverter)])]
[JsonSerializable(typeof(TextMessage))]
internal sealed partial class TextJson : JsonSerializerContext;

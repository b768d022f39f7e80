using System.Buffers;
using System.Text.Json;
using PoolHub.Daemon.Http;
using PoolHub.Protocol;
using PoolHub.Protocol.Wire;

namespace PoolHub.Daemon.Sessions;

/// <summary>docs/protocol.md, "WebSocket": the messages as JSON text.</summary>
internal static class TextForm
{
    [ThreadStatic]
    private static ArrayBufferWriter<byte>? t_scratch;

    /// <summary>A message's text as UTF-8, valid until the thread's next call.</summary>
    public static ReadOnlySpan<byte> Encode<T>(in T message)
        where T : struct, IMessage<T>
    {
        ArrayBufferWriter<byte> scratch = t_scratch ??= new ArrayBufferWriter<byte>(512);
        scratch.ResetWrittenCount();
        using var json = new Utf8JsonWriter(scratch);
        json.WriteStartObject();
        switch (message)
        {
            case HeartbeatAck ack:
                json.WriteString("type", "ack");
                json.WriteNumber("seq", ack.Seq);
                json.WriteNumber("next_heartbeat_sec", ack.NextHeartbeatSec);
                break;
            case Ping ping:
                json.WriteString("type", "ping");
                json.WriteNumber("nonce", ping.Nonce);
                break;
            case Command command:
                json.WriteString("type", "command");
                WriteCommand(json, command);
                break;
            case Error error:
                json.WriteString("type", "error");
                json.WriteString("code", Name(error.Code));
                json.WriteNumber("in_reply_to", error.InReplyTo);
                json.WriteString("field", error.Field);
                json.WriteString("detail", error.Detail);
                break;
            case Goodbye goodbye:
                json.WriteString("type", "goodbye");
                json.WriteString("code", goodbye.Reason.Name());
                json.WriteString("detail", goodbye.Detail);
                json.WriteNumber("retry_after_ms", goodbye.RetryAfterMs);
                break;
            default:
                throw new NotSupportedException($"{T.Number} has no text form");
        }
        json.WriteEndObject();
        json.Flush();
        return scratch.WrittenSpan;
    }

    /// <summary>Reads one text; null and the fault when it is none.</summary>
    public static TextMessage? Read(in ReadOnlySequence<byte> utf8, out (string? Field, string Detail) fault) =>
        Bodies.Parse(utf8, TextJson.Default.TextMessage, out fault);

    private static void WriteCommand(Utf8JsonWriter json, in Command command)
    {
        json.WriteNumber("command_id", command.Id);
        json.WriteString("command", CommandNames.Name(command.Kind));
        switch (command.Kind)
        {
            case CommandKind.SetPriceCap:
                json.WriteNumber("price_token_per_ksec", command.Price.Tokens);
                break;
            case CommandKind.UpdateTags:
                json.WriteStartArray("tags");
                foreach (string tag in command.Tags ?? [])
                {
                    json.WriteStringValue(tag);
                }
                json.WriteEndArray();
                break;
            case CommandKind.Drain:
                json.WriteBoolean("on", command.On);
                break;
            case CommandKind.Reconnect:
                json.WriteString("addr", command.Addr);
                json.WriteNumber("delay_ms", command.DelayMs);
                break;
        }
    }

    private static string Name(ErrorCode code) => code switch
    {
        ErrorCode.UnknownMessage => "unknown_message",
        ErrorCode.InvalidField => "invalid_field",
        _ => "out_of_order",
    };
}

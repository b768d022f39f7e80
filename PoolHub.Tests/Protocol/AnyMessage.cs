using PoolHub.Protocol.Wire;

namespace PoolHub.Tests.Protocol;

/// <summary>Reads and writes a message whose type is known only by its number, as tests over all messages need.</summary>
internal static class AnyMessage
{
    private delegate object Reading(ref MessageReader reader);

    private static readonly Dictionary<MessageNumber, Reading> s_readers = new()
    {
        [MessageNumber.Hello] = static (ref reader) => Hello.Read(ref reader),
        [MessageNumber.Welcome] = static (ref reader) => Welcome.Read(ref reader),
        [MessageNumber.Register] = static (ref reader) => Register.Read(ref reader),
        [MessageNumber.Registered] = static (ref reader) => Registered.Read(ref reader),
        [MessageNumber.Heartbeat] = static (ref reader) => Heartbeat.Read(ref reader),
        [MessageNumber.HeartbeatAck] = static (ref reader) => HeartbeatAck.Read(ref reader),
        [MessageNumber.Update] = static (ref reader) => Update.Read(ref reader),
        [MessageNumber.Ping] = static (ref reader) => Ping.Read(ref reader),
        [MessageNumber.Pong] = static (ref reader) => Pong.Read(ref reader),
        [MessageNumber.Command] = static (ref reader) => Command.Read(ref reader),
        [MessageNumber.CommandAck] = static (ref reader) => CommandAck.Read(ref reader),
        [MessageNumber.Goodbye] = static (ref reader) => Goodbye.Read(ref reader),
        [MessageNumber.Error] = static (ref reader) => Error.Read(ref reader),
    };

    /// <summary>The message, or the field at fault; both null when the bytes are no known message.</summary>
    public static (object? Message, string? Field, string? Problem) Read(ReadOnlySpan<byte> body)
    {
        if (!MessageReader.TryOpen(body, out int number, out MessageReader reader)
            || !s_readers.TryGetValue((MessageNumber)number, out Reading? read))
        {
            return default;
        }
        object message = read(ref reader);
        return reader.Failed ? (null, reader.Field, reader.Problem) : (message, null, null);
    }

    public static byte[] Write(object message) => message switch
    {
        Hello it => Frame.Encode(it).ToArray(),
        Welcome it => Frame.Encode(it).ToArray(),
        Register it => Frame.Encode(it).ToArray(),
        Registered it => Frame.Encode(it).ToArray(),
        Heartbeat it => Frame.Encode(it).ToArray(),
        HeartbeatAck it => Frame.Encode(it).ToArray(),
        Update it => Frame.Encode(it).ToArray(),
        Ping it => Frame.Encode(it).ToArray(),
        Pong it => Frame.Encode(it).ToArray(),
        Command it => Frame.Encode(it).ToArray(),
        CommandAck it => Frame.Encode(it).ToArray(),
        Goodbye it => Frame.Encode(it).ToArray(),
        Error it => Frame.Encode(it).ToArray(),
        _ => throw new ArgumentException($"{message.GetType()} is no message", nameof(message)),
    };
}

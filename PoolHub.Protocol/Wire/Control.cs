using MessagePack;

namespace PoolHub.Protocol.Wire;

/// <summary>What a command asks of a miner. Pinned and only ever appended.</summary>
public enum CommandKind
{
    /// <summary>Ask no more than <see cref="Command.Price"/>.</summary>
    SetPriceCap = 1,
    /// <summary>Replace the tags by <see cref="Command.Tags"/>.</summary>
    UpdateTags = 2,
    /// <summary>Take no more jobs (<see cref="Command.On"/>), or take them again.</summary>
    Drain = 3,
    /// <summary>Say goodbye and connect to <see cref="Command.Addr"/> after <see cref="Command.DelayMs"/>.</summary>
    Reconnect = 4,
}

/// <summary>
/// docs/protocol.md, "10 Command": the hub asks the miner to do something; each is acknowledged. Only the fields of its
/// kind are written.
/// </summary>
/// <param name="Id">Counts the commands of a session; comes back in the acknowledgement.</param>
public readonly record struct Command(
    long Id, CommandKind Kind, TokenPrice Price = default, string[]? Tags = null, bool On = false, string? Addr = null, int DelayMs = 0)
    : IMessage<Command>
{
    /// <inheritdoc/>
    public static MessageNumber Number => MessageNumber.Command;

    /// <inheritdoc/>
    public static Command Read(ref MessageReader reader)
    {
        long id = reader.Integer("command_id", 0, long.MaxValue);
        var command = new Command(id, (CommandKind)reader.Int32("kind", 0, ushort.MaxValue));
        // The arguments stand in an array of their own, so that a miner can step over those of a kind it does not know.
        _ = reader.BeginArray("arguments", out int outer);
        command = command.Kind switch
        {
            CommandKind.SetPriceCap => command with { Price = new TokenPrice(reader.Integer("price_e8", 0, TokenPrice.Max.E8)) },
            CommandKind.UpdateTags => command with { Tags = reader.TextList("tags", Limits.MaxTags, Limits.TermChars) },
            CommandKind.Drain => command with { On = reader.Bool("on") },
            CommandKind.Reconnect => command with
            {
                Addr = reader.Text("addr", Limits.AddrChars),
                DelayMs = reader.Int32("delay_ms", 0, int.MaxValue),
            },
            _ => command,
        };
        reader.EndArray(outer);
        return command;
    }

    /// <inheritdoc/>
    public void Write(ref MessagePackWriter writer)
    {
        writer.WriteArrayHeader(4);
        writer.Write((int)Number);
        writer.Write(Id);
        writer.Write((int)Kind);
        switch (Kind)
        {
            case CommandKind.SetPriceCap:
                writer.WriteArrayHeader(1);
                writer.Write(Price.E8);
                break;
            case CommandKind.UpdateTags:
                writer.WriteArrayHeader(1);
                writer.WriteTextList(Tags ?? []);
                break;
            case CommandKind.Drain:
                writer.WriteArrayHeader(1);
                writer.Write(On);
                break;
            case CommandKind.Reconnect:
                writer.WriteArrayHeader(2);
                writer.Write(Addr ?? "");
                writer.Write(DelayMs);
                break;
            default:
                writer.WriteArrayHeader(0);
                break;
        }
    }

    /// <summary>Compares the tags by what they are.</summary>
    public bool Equals(Command other) =>
        Id == other.Id && Kind == other.Kind && Price == other.Price && On == other.On && DelayMs == other.DelayMs
        && Addr == other.Addr && (Tags ?? []).AsSpan().SequenceEqual(other.Tags ?? []);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Id, Kind);
}

/// <summary>docs/protocol.md, "11 CommandAck": whether the miner does what a command asked.</summary>
/// <param name="Detail">Why not, for a person; may be empty.</param>
public readonly record struct CommandAck(long Id, bool Accepted, string Detail) : IMessage<CommandAck>
{
    /// <inheritdoc/>
    public static MessageNumber Number => MessageNumber.CommandAck;

    /// <inheritdoc/>
    public static CommandAck Read(ref MessageReader reader) => new(
        reader.Integer("command_id", 0, long.MaxValue),
        reader.Bool("accepted"),
        reader.Absent() ? "" : reader.Text("detail", Limits.DetailChars));

    /// <inheritdoc/>
    public void Write(ref MessagePackWriter writer)
    {
        writer.WriteArrayHeader(4);
        writer.Write((int)Number);
        writer.Write(Id);
        writer.Write(Accepted);
        writer.Write(Detail);
    }
}

/// <summary>docs/protocol.md, "12 Goodbye": the last message of a conversation, from either side, and why.</summary>
/// <param name="Detail">For a person; may be empty.</param>
/// <param name="RetryAfterMs">How long to stay away; 0 when it does not matter.</param>
public readonly record struct Goodbye(CloseReason Reason, string Detail, int RetryAfterMs) : IMessage<Goodbye>
{
    /// <inheritdoc/>
    public static MessageNumber Number => MessageNumber.Goodbye;

    /// <inheritdoc/>
    public static Goodbye Read(ref MessageReader reader) => new(
        (CloseReason)reader.Int32("code", 0, byte.MaxValue),
        reader.Absent() ? "" : reader.Text("detail", Limits.DetailChars),
        reader.Absent() ? 0 : reader.Int32("retry_after_ms", 0, int.MaxValue));

    /// <inheritdoc/>
    public void Write(ref MessagePackWriter writer)
    {
        writer.WriteArrayHeader(4);
        writer.Write((int)Number);
        writer.Write((int)Reason);
        writer.Write(Detail);
        writer.Write(RetryAfterMs);
    }
}

/// <summary>docs/protocol.md, "Error codes". Pinned and only ever appended.</summary>
public enum ErrorCode
{
    /// <summary>The message's number is not known.</summary>
    UnknownMessage = 1,
    /// <summary>A field is missing, mistyped or out of range.</summary>
    InvalidField = 2,
    /// <summary>The message is known but has no place here, such as a heartbeat before a registration.</summary>
    OutOfOrder = 3,
}

/// <summary>docs/protocol.md, "13 Error": the hub did not accept a message; the conversation goes on.</summary>
/// <param name="InReplyTo">The number of the message that was not accepted.</param>
/// <param name="Field">The field at fault, or empty.</param>
public readonly record struct Error(ErrorCode Code, int InReplyTo, string Field, string Detail) : IMessage<Error>
{
    /// <inheritdoc/>
    public static MessageNumber Number => MessageNumber.Error;

    /// <inheritdoc/>
    public static Error Read(ref MessageReader reader) => new(
        (ErrorCode)reader.Int32("code", 0, ushort.MaxValue),
        reader.Int32("in_reply_to", int.MinValue, int.MaxValue),
        reader.Text("field", Limits.TermChars),
        reader.Text("detail", Limits.DetailChars));

    /// <inheritdoc/>
    public void Write(ref MessagePackWriter writer)
    {
        writer.WriteArrayHeader(5);
        writer.Write((int)Number);
        writer.Write((int)Code);
        writer.Write(InReplyTo);
        writer.Write(Field);
        writer.Write(Detail);
    }
}

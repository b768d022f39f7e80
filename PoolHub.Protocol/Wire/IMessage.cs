using MessagePack;

namespace PoolHub.Protocol.Wire;

/// <summary>
/// One message of docs/protocol.md: a MessagePack array whose first element is <see cref="Number"/>. Each message has
/// one <c>Read</c> and one <c>Write</c>, and they name the same fields in the same order.
/// </summary>
public interface IMessage<TSelf>
    where TSelf : struct, IMessage<TSelf>
{
    /// <summary>The first element of the array, by which a reader knows the message.</summary>
    static abstract MessageNumber Number { get; }

    /// <summary>
    /// Reads the fields after the number. A field that is missing, mistyped or out of range is noted in the reader
    /// (<see cref="MessageReader.Problem"/>) and the value is then not to be used. Never throws.
    /// </summary>
    static abstract TSelf Read(ref MessageReader reader);

    /// <summary>Writes the whole array, number included.</summary>
    void Write(ref MessagePackWriter writer);
}

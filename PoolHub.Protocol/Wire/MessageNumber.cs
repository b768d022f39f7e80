namespace PoolHub.Protocol.Wire;

/// <summary>The first element of every message. Pinned and only ever appended.</summary>
public enum MessageNumber
{
    /// <inheritdoc cref="Wire.Hello" path="/summary"/>
    Hello = 1,
    /// <inheritdoc cref="Wire.Welcome" path="/summary"/>
    Welcome = 2,
    /// <inheritdoc cref="Wire.Register" path="/summary"/>
    Register = 3,
    /// <inheritdoc cref="Wire.Registered" path="/summary"/>
    Registered = 4,
    /// <inheritdoc cref="Wire.Heartbeat" path="/summary"/>
    Heartbeat = 5,
    /// <inheritdoc cref="Wire.HeartbeatAck" path="/summary"/>
    HeartbeatAck = 6,
    /// <inheritdoc cref="Wire.Update" path="/summary"/>
    Update = 7,
    /// <inheritdoc cref="Wire.Ping" path="/summary"/>
    Ping = 8,
    /// <inheritdoc cref="Wire.Pong" path="/summary"/>
    Pong = 9,
    /// <inheritdoc cref="Wire.Command" path="/summary"/>
    Command = 10,
    /// <inheritdoc cref="Wire.CommandAck" path="/summary"/>
    CommandAck = 11,
    /// <inheritdoc cref="Wire.Goodbye" path="/summary"/>
    Goodbye = 12,
    /// <inheritdoc cref="Wire.Error" path="/summary"/>
    Error = 13,
}

namespace PoolHub.Protocol.Wire;

/// <summary>The first element of every message. Pinned and only ever appended.</summary>
public enum MessageNumber
{
    Hello = 1,
    Welcome = 2,
    Register = 3,
    Registered = 4,
    Heartbeat = 5,
    HeartbeatAck = 6,
    Update = 7,
    Ping = 8,
    Pong = 9,
    Command = 10,
    CommandAck = 11,
    Goodbye = 12,
    Error = 13,
}

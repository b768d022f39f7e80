namespace PoolHub.Daemon.Sessions;

/// <summary>How a session's miner reaches the hub.</summary>
internal enum Transport
{
    Tcp,
    WebSocket,
    Http,
}

internal static class Transports
{
    private static readonly string[] Names = ["tcp", "ws", "http"];

    public static string Name(this Transport transport) => Names[(int)transport];
}

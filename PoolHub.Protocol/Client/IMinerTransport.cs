using System.Net.Sockets;
using PoolHub.Protocol.Wire;

namespace PoolHub.Protocol.Client;

/// <summary>
/// How messages travel between a miner and its hub. One task receives; any number may send. A broken connection throws
/// one of the exceptions that <see cref="Transport.IsBroken"/> knows.
/// </summary>
internal interface IMinerTransport : IAsyncDisposable
{
    /// <summary>Sends one message whole.</summary>
    ValueTask SendAsync<T>(T message)
        where T : struct, IMessage<T>;

    /// <summary>The next message, valid until the next call.</summary>
    ValueTask<Received> ReceiveAsync();

    /// <summary>Says that nothing more will be sent; what the hub still sends can be received.</summary>
    ValueTask CompleteAsync();

    /// <summary>Breaks the connection at once; pending calls end. May be called from anywhere, and twice.</summary>
    void Abort();
}

/// <summary>What came in.</summary>
/// <param name="Body">One message's body; empty when the hub has closed.</param>
/// <param name="Fault">Set when the hub sent bytes that are no frame.</param>
internal readonly record struct Received(ReadOnlyMemory<byte> Body, CloseReason? Fault = null);

internal static class Transport
{
    /// <summary>Opens the transport of the address's scheme.</summary>
    /// <exception cref="HubException">It cannot be opened; the message says why.</exception>
    public static async Task<IMinerTransport> ConnectAsync(Uri hub, MinerClientOptions options, CancellationToken cancel)
    {
        using var timeout = new CancellationTokenSource(options.ConnectTimeout, options.TimeProvider);
        using var connecting = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancel);
        try
        {
            return hub.Scheme switch
            {
                "tcp" or "tcps" => await TcpTransport.ConnectAsync(hub, options, connecting.Token),
                "ws" or "wss" => await WebSocketTransport.ConnectAsync(hub, options, connecting.Token),
                _ => new HttpTransport(hub, options),
            };
        }
        catch (Exception error) when (IsBroken(error))
        {
            string why = timeout.IsCancellationRequested
                ? $"no connection within {options.ConnectTimeout.TotalSeconds} s"
                : error.Message;
            throw new HubException($"cannot connect to {hub.Authority}: {why}", error);
        }
    }

    /// <summary>Whether an exception means that the connection failed, rather than that this program is at fault.</summary>
    public static bool IsBroken(Exception error) => error
        is IOException or SocketException or System.Net.WebSockets.WebSocketException or HttpRequestException
        or HubException or OperationCanceledException or ObjectDisposedException
        or System.Security.Authentication.AuthenticationException;
}

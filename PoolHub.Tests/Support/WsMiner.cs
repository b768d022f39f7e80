using System.Net;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using PoolHub.Protocol;
using PoolHub.Protocol.Wire;
using PoolHub.Tests.Protocol;

namespace PoolHub.Tests.Support;

/// <summary>A miner over WebSocket, in text or in binary.</summary>
internal sealed class WsMiner : IAsyncDisposable
{
    private readonly ClientWebSocket _socket = new();

    /// <summary>What carries it over TLS; null: nothing does.</summary>
    private HttpMessageInvoker? _https;

    private WsMiner() => _socket.Options.KeepAliveInterval = Timeout.InfiniteTimeSpan;

    /// <exception cref="WebSocketException">The hub refused the upgrade.</exception>
    public static async Task<WsMiner> ConnectAsync(IPEndPoint hub, string? token, bool inHeader, HttpMessageInvoker? https = null)
    {
        var miner = new WsMiner { _https = https };
        if (token is not null && inHeader)
        {
            miner._socket.Options.SetRequestHeader("X-PoolHub-Session", token);
        }
        string query = token is null || inHeader ? "" : $"?session_token={token}";
        miner._socket.Options.CollectHttpResponseDetails = true;
        var address = new Uri($"{(https is null ? "ws" : "wss")}://{hub}/v1/miners/heartbeat{query}");
        await miner._socket.ConnectAsync(address, https, CancellationToken.None).WaitAsync(TestHub.Patience);
        return miner;
    }

    public Task SendTextAsync(string json) => SendAsync(Encoding.UTF8.GetBytes(json), WebSocketMessageType.Text);

    public Task SendAsync<T>(T message)
        where T : struct, IMessage<T> => SendAsync(Frame.Encode(message).ToArray(), WebSocketMessageType.Binary);

    public Task SendAsync(byte[] part, WebSocketMessageType type, bool end = true) =>
        _socket.SendAsync(new ArraySegment<byte>(part), type, end, CancellationToken.None).WaitAsync(TestHub.Patience);

    /// <summary>The next text, which must be of this type. Pings are passed over where none is asked for.</summary>
    public async Task<JsonElement> ExpectTextAsync(string type)
    {
        JsonElement json = await ExpectAnyAsync(pings: type == "ping");
        Assert.True(type == json.GetProperty("type").GetString(), $"{json} in place of {type}");
        return json;
    }

    /// <summary>The next text.</summary>
    public async Task<JsonElement> ExpectAnyAsync(bool pings = false)
    {
        while (true)
        {
            (WebSocketMessageType form, byte[] body) = await ReceiveAsync();
            Assert.Equal(WebSocketMessageType.Text, form);
            JsonElement json = JsonDocument.Parse(body).RootElement;
            if (pings || json.GetProperty("type").GetString() != "ping")
            {
                return json;
            }
        }
    }

    public async Task<T> ExpectAsync<T>()
        where T : struct, IMessage<T>
    {
        (WebSocketMessageType form, byte[] body) = await ReceiveAsync();
        Assert.Equal(WebSocketMessageType.Binary, form);
        (object? message, string? field, string? problem) = AnyMessage.Read(body);
        Assert.True(problem is null, $"{field} {problem}");
        return Assert.IsType<T>(message);
    }

    /// <summary>The hub must say goodbye, in this form, and then close.</summary>
    public async Task ExpectGoodbyeAsync(CloseReason reason, WebSocketMessageType form)
    {
        if (form == WebSocketMessageType.Text)
        {
            Assert.Equal(reason.Name(), (await ExpectTextAsync("goodbye")).GetProperty("code").GetString());
        }
        else
        {
            Assert.Equal(reason, (await ExpectAsync<Goodbye>()).Reason);
        }
        await ExpectEndAsync();
    }

    public async Task ExpectEndAsync() => Assert.Equal(WebSocketMessageType.Close, (await ReceiveAsync()).Form);

    public async Task CloseAsync() =>
        await _socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None).WaitAsync(TestHub.Patience);

    public ValueTask DisposeAsync()
    {
        _socket.Abort();
        _socket.Dispose();
        _https?.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task<(WebSocketMessageType Form, byte[] Body)> ReceiveAsync()
    {
        byte[] buffer = new byte[Limits.MaxFrameBytes];
        WebSocketReceiveResult result = await _socket.ReceiveAsync(new ArraySegment<byte>(buffer), CancellationToken.None).WaitAsync(TestHub.Patience);
        Assert.True(result.EndOfMessage);
        return (result.MessageType, buffer[..result.Count]);
    }
}
